module github.com/scarab-go/scarab/internal/bench

go 1.25.0

require github.com/scarab-go/scarab v0.0.0

replace github.com/scarab-go/scarab => ../..
