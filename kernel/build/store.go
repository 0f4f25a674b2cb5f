package build

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// point makes hash the host that Open finds.
func (p *preparation) point(hash string) error {
	f := filepath.Join(p.Dir, currentName)
	if b, err := os.ReadFile(f); err == nil && string(b) == hash {
		return nil
	}
	tmp := f + ".new"
	if err := os.WriteFile(tmp, []byte(hash), 0o644); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	if err := os.Rename(tmp, f); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// removeUnused removes all hosts that no process holds open, except keep.
func removeUnused(dir, keep string) {
	es, _ := os.ReadDir(dir)
	for _, e := range es {
		sub := filepath.Join(dir, e.Name())
		if !e.IsDir() || e.Name() == keep {
			continue
		}
		if _, err := os.Stat(filepath.Join(sub, manifestName)); err != nil {
			continue // still being made, or not ours
		}
		if l, err := lock(sub, syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			os.RemoveAll(sub)
			l.Close()
		}
	}
}

// lock locks the host in dir until the returned file is closed.
func lock(dir string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
