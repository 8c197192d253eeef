package launch

import (
	"os/exec"
	"syscall"
)

// dieWithParent sees to it that a server does not outlive a test that is killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
