package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/scarab-go/scarab/admin/internal/rows"
)

// explain says what an error means for the visitor, and logs what is none of
// his business.
func (v *visit) explain(err error) *problem {
	var refused *rows.ColumnError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, rows.ErrNoRow):
		return &problem{status: http.StatusNotFound, text: v.t("There is no such row, or not any more.")}
	case errors.Is(err, rows.ErrTooFar):
		return &problem{status: http.StatusBadRequest, back: v.tableURL(v.table),
			text: v.t("Pages this far in are not reached by their number: filter, sort the other way round, or use Next.")}
	case errors.Is(err, context.DeadlineExceeded) && v.r.Context().Err() == nil:
		return &problem{status: http.StatusGatewayTimeout, text: v.t("The database took too long."),
			hint: v.t("Narrow it down with a filter, or sort by a column that has an index.")}
	case errors.As(err, &tooLarge):
		return &problem{status: http.StatusRequestEntityTooLarge, text: v.t("What was sent is larger than %d bytes.", tooLarge.Limit)}
	case errors.As(err, &refused) && v.r.Method == http.MethodGet:
		return &problem{status: http.StatusBadRequest, text: v.t("The database does not take a value in the address of this page."), hint: checkText(refused)}
	case errors.As(err, &refused) && refused.Problem == rows.Busy:
		return &problem{status: http.StatusServiceUnavailable, text: v.refusal(refused), retry: time.Second}
	case errors.As(err, &refused):
		return &problem{status: http.StatusConflict, text: v.refusal(refused)}
	}
	v.h.cfg.Logger.ErrorContext(v.ctx, "admin: page failed", "method", v.r.Method, "path", v.r.URL.Path, "error", err)
	return &problem{status: http.StatusInternalServerError, text: v.t("Something went wrong, and the reason is in the log of the server.")}
}

// refusal says why the database refused a row or a field.
func (v *visit) refusal(e *rows.ColumnError) string {
	switch e.Problem {
	case rows.Taken:
		return v.t("Another row has this value already, and it has to be unique.")
	case rows.Missing:
		return v.t("A value is needed here: the column cannot be NULL.")
	case rows.Dangling:
		if e.Column == nil {
			return v.t("A value points at a row of another table that does not exist.")
		}
		return v.t("There is no such row in the table that this column points at.")
	case rows.InUse:
		return v.t("Rows of other tables point at this one, so the database keeps it.")
	case rows.Unfit:
		return v.t("A check of the database refuses this value: %s", checkText(e))
	case rows.WrongType:
		if e.Column == nil {
			return v.t("The database does not take one of the values: %s", checkText(e))
		}
		return v.t("This is not a value of the type %s.", e.Column.Type)
	case rows.TooLong:
		return v.t("This value is too long.")
	case rows.OutOfRange:
		return v.t("This number is out of range.")
	case rows.Generated:
		return v.t("The database computes this column by itself.")
	case rows.Refused:
		return v.t("The database refuses this: %s", checkText(e))
	case rows.Denied:
		return v.t("The database does not let this site do that: %s", checkText(e))
	case rows.Busy:
		return v.t("The database is busy with other changes to the same rows, so nothing was saved. Please try again.")
	}
	return v.t("The database refused this row.")
}

// checkText is what the database says of a check that failed.
func checkText(e *rows.ColumnError) string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}
