package sqlfile

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
)

func filled(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", Address(path, "journal_mode(WAL)", "busy_timeout(100)"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, q := range []string{`CREATE TABLE t (x BLOB)`, `INSERT INTO t VALUES (zeroblob(1000000)), (zeroblob(1000000))`} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func TestFreePagesGoBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder?", "x#.sqlite")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	db := filled(t, path)
	if n, err := Used(db); n < 2e6 || n > 2.1e6 || err != nil {
		t.Errorf("%d bytes in use, %v", n, err)
	}
	if _, err := db.Exec(`DELETE FROM t WHERE rowid = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	before, err := Measure(path)
	if before.Bytes < 2e6 || before.Free < 9e5 || err != nil {
		t.Errorf("%+v, %v", before, err)
	}
	if n, err := Used(db); n > 1.1e6 || err != nil {
		t.Errorf("%d bytes in use after a deletion, %v", n, err)
	}
	if err := Shrink(db); err != nil {
		t.Fatal(err)
	}
	if after, err := Measure(path); after.Bytes > before.Bytes-9e5 || after.Free != 0 || err != nil {
		t.Errorf("%+v, then %+v, %v", before, after, err)
	}
}

func TestMeasureChangesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.sqlite")
	if u, err := Measure(path); u != (Usage{}) || err != nil {
		t.Errorf("no file: %+v, %v", u, err)
	}
	filled(t, path).Close()
	before, _ := os.ReadDir(dir)
	if _, err := Measure(path); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadDir(dir); len(after) != len(before) {
		t.Errorf("Measure made files: %v, before %v", after, before)
	}
	other := filepath.Join(dir, "text")
	if err := os.WriteFile(other, []byte("this is a text that is longer than a header of SQLite"), 0o600); err != nil {
		t.Fatal(err)
	}
	if u, err := Measure(other); u.Bytes == 0 || err == nil {
		t.Errorf("a text: %+v, %v", u, err)
	}
}
