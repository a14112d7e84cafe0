package schema

import (
	"context"
	"errors"
)

func readMySQL(context.Context, Querier) ([]*Table, error) {
	return nil, errors.New("MySQL is not supported yet")
}
