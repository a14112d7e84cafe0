package ui

import (
	"testing"

	"github.com/scarab-go/scarab/internal/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }
