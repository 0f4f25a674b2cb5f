package kernel

import (
	"encoding/json"
	"sync"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// output is the Output of one execute_request. It keeps only the header of the
// request, so that a goroutine that outlives its cell keeps little memory alive.
type output struct {
	s      *server
	parent json.RawMessage
	silent bool // publishes nothing
	stdin  *stdinRoute
	count  int

	mu      sync.Mutex
	stream  string                                          // the stream written last
	pending map[string][]byte                               // text not published yet, by stream
	clean   map[string]func(piece string, last bool) string // functions of Options.Stream, by stream
	ticking bool                                            // a flush is scheduled
	payload []any
	result  string // text of the execute_result
}

var (
	_ Output   = (*output)(nil)
	_ Payloads = (*output)(nil)
)

// Display implements Output.
func (o *output) Display(m display.Message) {
	c := content{"data": object(m.Data), "metadata": object(m.Metadata), "transient": content{}}
	if m.ID != "" {
		c["transient"] = content{"display_id": m.ID}
	}
	kind := "display_data"
	if m.Update {
		kind = "update_display_data"
	}
	o.publish(kind, c)
}

// Result implements Output.
func (o *output) Result(m display.Message) {
	if text, ok := m.Data["text/plain"].(string); ok {
		o.mu.Lock()
		o.result = text
		o.mu.Unlock()
	}
	o.publish("execute_result", content{"execution_count": o.count, "data": object(m.Data), "metadata": object(m.Metadata)})
}

// Clear implements Output.
func (o *output) Clear(wait bool) { o.publish("clear_output", content{"wait": wait}) }

// publish sends a message after the text written before it.
func (o *output) publish(kind string, c content) {
	if o.silent {
		return
	}
	o.s.pub.sock.Pace()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flushLocked(false)
	o.s.pub.send(o.parent, kind, c)
}

// Page implements Payloads.
func (o *output) Page(b Bundle) {
	o.addPayload(content{"source": "page", "data": object(b), "start": 0})
}

// NextInput implements Payloads.
func (o *output) NextInput(code string, replace bool) {
	o.addPayload(content{"source": "set_next_input", "text": code, "replace": replace})
}

func (o *output) addPayload(c content) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.payload = append(o.payload, c)
}

func (o *output) payloads() []any {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]any{}, o.payload...)
}

func (o *output) resultText() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.result
}

// object returns m as an object for the wire, even for nil.
func object(m display.MIMEMap) display.MIMEMap {
	if m == nil {
		return display.MIMEMap{}
	}
	return m
}
