module github.com/scarab-go/scarab/admin

go 1.26.0

require (
	github.com/scarab-go/scarab v0.0.0-00010101000000-000000000000
	golang.org/x/text v0.43.0
)

replace github.com/scarab-go/scarab => ..
