package kernel_test

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gopherpod/gopherpod/kernel/kerneltest"
	"github.com/gopherpod/gopherpod/kernel/wire"
)

// Whatever a client that knows the key sends, every request is answered and the
// kernel keeps running.
func FuzzRequests(f *testing.F) {
	types := []string{
		"execute_request", "complete_request", "inspect_request", "is_complete_request", "history_request", "comm_info_request",
		"kernel_info_request", "interrupt_request", "connect_request", "nonsense_request", "comm_open", "comm_msg", "comm_close",
	}
	for i := range types {
		f.Add(uint8(i), `{"code": "x", "cursor_pos": -1, "silent": null, "comm_id": "c"}`)
	}
	f.Add(uint8(0), `{"code": "fail", "user_expressions": {"a": "x", "b": ""}}`)
	f.Add(uint8(0), `{"code": 1e999}`)
	f.Add(uint8(1), `{"code": "ü", "cursor_pos": 9223372036854775807}`)
	f.Add(uint8(4), `{"hist_access_type": "range", "session": -9223372036854775808, "start": -1}`)
	f.Add(uint8(4), `{"hist_access_type": "search", "pattern": "[", "n": -5, "unique": true}`)
	running := kerneltest.Start(f, basic())
	conn, stats := running.Conn, running.Stats
	f.Fuzz(func(t *testing.T, kind uint8, content string) {
		msgType := types[int(kind)%len(types)]
		c := kerneltest.Connect(t, conn)
		id := rand.Text()
		m := wire.Message{
			Header:  wire.Header{MsgID: id, MsgType: msgType, Session: "s"},
			Content: json.RawMessage(content),
		}
		before := stats.Dropped.Load()
		c.SendFrames(kerneltest.Shell, wire.Encode(m, wire.Key(conn.Key)))
		c.Request(kerneltest.Shell, "kernel_info_request", struct{}{})
		if stats.Dropped.Load() == before && strings.HasSuffix(msgType, "_request") {
			if m := c.Reply(id); m.Content["status"] == nil {
				t.Errorf("%s %q: reply without a status: %v", msgType, content, m.Content)
			}
		}
	})
}
