package local

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// bodyTime is how long a client may take to send a body. It is measured on the
// machine's clock even if Options.Clock is another one, because socket
// deadlines use no other.
const bodyTime = 2 * time.Minute

var (
	errTooLarge = errors.New("the request body is over the limit")
	errCutBody  = errors.New("the request body ended early")
)

// readBody reads the body of r into one slice, limit bytes at most. It
// allocates a declared length at once and grows the slice if there is none.
func readBody(w http.ResponseWriter, r *http.Request, limit int) ([]byte, error) {
	if r.ContentLength > int64(limit) {
		return nil, errTooLarge
	}
	rc := http.NewResponseController(w)
	if rc.SetReadDeadline(time.Now().Add(bodyTime)) == nil {
		defer rc.SetReadDeadline(time.Time{})
	}
	if r.ContentLength >= 0 {
		b := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, b); err != nil {
			return nil, errCutBody
		}
		return b, nil
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	switch {
	case err != nil:
		return nil, errCutBody
	case len(b) > limit:
		return nil, errTooLarge
	}
	return b, nil
}
