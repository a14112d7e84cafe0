package app

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// RedisMemory returns the bytes Redis uses for what it holds.
func RedisMemory(ctx context.Context, o Options) (float64, error) {
	return redisInfo(ctx, o, "memory", "used_memory_dataset")
}

// RedisCPU returns the seconds of processor time Redis has used.
func RedisCPU(ctx context.Context, o Options) (float64, error) {
	return redisInfo(ctx, o, "cpu", "used_cpu_user", "used_cpu_sys")
}

// redisInfo returns the sum of some fields of a section of INFO.
func redisInfo(ctx context.Context, o Options, section string, fields ...string) (sum float64, err error) {
	client := redis.NewClient(&redis.Options{Addr: o.Redis})
	defer client.Close()
	info, err := client.Info(ctx, section).Result()
	if err != nil {
		return 0, err
	}
	found := 0
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if slices.Contains(fields, name) {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, err
			}
			sum += n
			found++
		}
	}
	if found != len(fields) {
		return 0, fmt.Errorf("INFO %s lacks some of %v", section, fields)
	}
	return sum, nil
}

// PostgresSize returns the bytes of scarab's table and its indexes on disk.
func PostgresSize(ctx context.Context, o Options) (float64, error) {
	return postgresFigure(ctx, o, "pg_total_relation_size('scarab_sessions')")
}

// SQLiteSize returns the bytes of scarab's file.
func SQLiteSize(ctx context.Context, o Options) (n float64, err error) {
	a := new(App)
	defer a.Close()
	db, err := openSQLite(a, o, "scarab")
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&n)
	return n, err
}

// PostgresLog returns how many bytes PostgreSQL has written to its write-ahead
// log.
func PostgresLog(ctx context.Context, o Options) (float64, error) {
	return postgresFigure(ctx, o, "pg_current_wal_insert_lsn() - '0/0'")
}

func postgresFigure(ctx context.Context, o Options, expression string) (n float64, err error) {
	conn, err := pgx.Connect(ctx, o.Postgres)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SELECT ("+expression+")::float8").Scan(&n)
	return n, err
}
