package testserver

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel send sig to the process of cmd when the thread
// that started it ends.
func dieWithParent(cmd *exec.Cmd, sig syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = new(syscall.SysProcAttr)
	}
	cmd.SysProcAttr.Pdeathsig = sig
}
