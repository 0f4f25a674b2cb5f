package sqlfile_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/tensors/sqlfile"
)

func Example() {
	dir, err := os.MkdirTemp("", "sqlfile")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "cells.sqlite")
	db, err := sql.Open("sqlite", sqlfile.Address(path, "busy_timeout(5000)"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE t (x TEXT)`); err != nil {
		fmt.Println(err)
		return
	}
	u, err := sqlfile.Measure(path)
	fmt.Println(u.Bytes, "bytes,", u.Free, "free", err)
	// Output: 8192 bytes, 0 free <nil>
}
