//go:build !linux

package testserver

import (
	"os/exec"
	"syscall"
)

// Other systems cannot do that: a server outlives a test that is killed.
func dieWithParent(*exec.Cmd, syscall.Signal) {}
