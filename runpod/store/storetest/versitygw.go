package storetest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// An S3 is a real S3 server, versitygw, with one empty bucket.
type S3 struct {
	Endpoint, Region, Bucket, AccessKey, SecretKey string
	// Folder has the bucket's objects as files, like a mounted network volume.
	Folder string
}

// StartS3 starts versitygw, which it finds on the PATH or by GOPHERPOD_VERSITYGW, and stops it
// when the test ends. Without versitygw it skips the test.
func StartS3(t testing.TB) S3 {
	t.Helper()
	program := os.Getenv("GOPHERPOD_VERSITYGW")
	if program == "" {
		var err error
		if program, err = exec.LookPath("versitygw"); err != nil {
			t.Skip("no S3 server: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	root := t.TempDir()
	s := S3{Endpoint: "http://" + address, Region: "EU-RO-1", Bucket: "volume", AccessKey: "user_key", SecretKey: "rps_secret", Folder: filepath.Join(root, "objects", "volume")}
	for _, dir := range []string{s.Folder, filepath.Join(root, "meta")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "--port", address, "--access", s.AccessKey, "--secret", s.SecretKey, "--region", s.Region, "--quiet",
		"posix", "--sidecar", filepath.Join(root, "meta"), filepath.Dir(s.Folder))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("versitygw: %.2000s", log.String())
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return s
		}
		if time.Now().After(end) {
			t.Fatalf("versitygw does not listen: %.2000s", log.String())
		}
	}
}
