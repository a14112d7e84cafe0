module github.com/scarab-go/scarab/internal/integration

go 1.25.0

require (
	github.com/go-sql-driver/mysql v1.10.1
	github.com/jackc/pgx/v5 v5.12.0
	github.com/redis/rueidis v1.0.79
	github.com/scarab-go/scarab v0.0.0
	github.com/scarab-go/scarab/redisstore v0.0.0
	modernc.org/sqlite v1.60.1
)

replace (
	github.com/scarab-go/scarab => ../..
	github.com/scarab-go/scarab/redisstore => ../../redisstore
)
