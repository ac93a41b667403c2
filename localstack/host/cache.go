package host

import (
	"fmt"
	"os"
	"path/filepath"
)

// Cached returns a folder of the user's cache with that name, which fill makes
// the first time: whole or not at all, also when others do at the same time. A
// filled folder is never changed, so the name holds a hash of what it is made from.
func Cached(name string, fill func(draft string) error) (folder string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	folder = filepath.Join(cache, "ascend", name)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	draft, err := os.MkdirTemp(filepath.Dir(folder), "draft-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(draft)
	if err := fill(draft); err != nil {
		return "", err
	}
	if err := os.Chmod(draft, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(draft, folder); err != nil {
		if _, there := os.Stat(folder); there != nil {
			return "", err
		}
	}
	return folder, nil
}
