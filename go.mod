module github.com/scarab-go/scarab

go 1.25.0
