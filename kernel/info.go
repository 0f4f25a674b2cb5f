package kernel

import (
	"context"
	"runtime"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/wire"
)

// kernelInfo answers kernel_info_request.
func (s *server) kernelInfo(context.Context, *request) (content, error) {
	goVersion := strings.TrimPrefix(runtime.Version(), "go")
	return content{
		"protocol_version":       wire.Version,
		"implementation":         "gopherpod",
		"implementation_version": s.opts.Version,
		"language_info": content{
			"name":               "go",
			"version":            goVersion,
			"mimetype":           "text/x-go",
			"file_extension":     ".go",
			"pygments_lexer":     "go",
			"codemirror_mode":    "go",
			"nbconvert_exporter": "script",
		},
		"banner":             "Gopherpod " + s.opts.Version + ", Go " + goVersion,
		"debugger":           false,
		"supported_features": []string{}, // no debugger, no subshells
		"help_links": []content{
			{"text": "The Go language", "url": "https://go.dev/doc/"},
			{"text": "Standard library", "url": "https://pkg.go.dev/std"},
			{"text": "Gonum", "url": "https://pkg.go.dev/gonum.org/v1/gonum"},
		},
	}, nil
}

// connect answers connect_request, which only old clients send.
func (s *server) connect(context.Context, *request) (content, error) {
	return content{
		"shell_port": s.conn.ShellPort, "iopub_port": s.conn.IOPubPort, "stdin_port": s.conn.StdinPort,
		"hb_port": s.conn.HBPort, "control_port": s.conn.ControlPort,
	}, nil
}
