package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// webhookPauses are the pauses before each attempt, as observed on the service.
var webhookPauses = []time.Duration{0, 5 * time.Second, 15 * time.Second}

const (
	webhookTime  = 10 * time.Second // for one attempt
	webhookAtOne = 16               // attempts at the same time
)

// notify posts an ended job to its webhook, in three attempts at most. A failed
// webhook does not change the job.
func (s *Server) notify(v view) {
	if v.sub.webhook == "" {
		return
	}
	s.spawn(func() {
		for _, d := range webhookPauses {
			if pause(s.ctx, s.opt.Clock, d) != nil {
				return
			}
			err := s.postWebhook(s.ctx, v)
			if err == nil {
				return
			}
			s.opt.Log.Warn("webhook", "job", v.id, "err", err)
		}
	})
}

func (s *Server) postWebhook(ctx context.Context, v view) error {
	select {
	case s.hooks <- struct{}{}:
		defer func() { <-s.hooks }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, webhookTime)
	defer cancel()
	var readers []io.Reader
	var size int64
	for _, p := range v.webhookPieces() {
		readers = append(readers, bytes.NewReader(p))
		size += int64(len(p))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.sub.webhook, io.MultiReader(readers...))
	if err != nil {
		return err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.opt.WebhookClient.Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the address, because people put secrets there
		}
		return err
	}
	defer resp.Body.Close()
	io.CopyN(io.Discard, resp.Body, 64<<10)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("local: the webhook answered %s", resp.Status)
	}
	return nil
}

// webhookPieces returns the job object with its input and its webhook.
func (v view) webhookPieces() [][]byte {
	head := append(v.appendJob(nil), `,"input":`...)
	pieces := [][]byte{head, v.input}
	if v.output != nil {
		pieces = append(pieces, []byte(`,"output":`), v.output)
	}
	return append(pieces, append(appendString([]byte(`,"webhook":`), v.sub.webhook), '}'))
}

// spawn runs f in a goroutine that Close waits for; after Close it does
// nothing.
func (s *Server) spawn(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.tasks.Go(f)
	}
}
