package embedded

import (
	"os"
	"syscall"
)

// syncData makes written bytes durable, and of the file's metadata only what
// reading them needs.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
