module github.com/scarab-go/scarab/pyramid

go 1.25.0

require (
	github.com/bradfitz/gomemcache v0.0.0-20260422231931-4d751bb6e37c
	github.com/kisielk/og-rek v1.3.0
	github.com/redis/rueidis v1.0.79
	github.com/scarab-go/scarab v0.0.0
	golang.org/x/crypto v0.55.0
)

replace github.com/scarab-go/scarab => ..
