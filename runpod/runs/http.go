package runs

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gopherpod/gopherpod/runpod/settings"
)

// The variables that name the store of the notebook's kernel.
const (
	EnvURL = "GOPHERPOD_RUNS_URL" // "http://127.0.0.1:4321"
	EnvKey = "GOPHERPOD_RUNS_KEY"
)

// maxBody bounds a message: a record, or a page of them.
const maxBody = 64 << 20

// FromEnv returns the store of the notebook's kernel, or nil if the environment
// names none: then no runs are kept.
func FromEnv() Store {
	url := settings.Inherited(EnvURL)
	if url == "" {
		return nil
	}
	return Dial(url, settings.Inherited(EnvKey))
}

// A call is a message to the store, an answer one from it.
type call struct {
	Run    *Run      `json:"run,omitempty"`
	ID     string    `json:"id,omitempty"`
	Events []Event   `json:"events,omitempty"`
	Filter Filter    `json:"filter,omitzero"`
	By     string    `json:"by,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Charge *Charge   `json:"charge,omitempty"`
	Within []Budget  `json:"within,omitempty"`
}

type answer struct {
	Run    *Run    `json:"run,omitempty"`
	Events []Event `json:"events,omitempty"`
	List   []Run   `json:"list,omitempty"`
	All    int     `json:"all,omitempty"`
	Sums   []Sum   `json:"sums,omitempty"`
	Error  string  `json:"error,omitempty"`
	Kind   string  `json:"kind,omitempty"` // "missing", "ambiguous"
	// Over is set instead of Error if a budget refuses a charge.
	Over  *OverBudget `json:"over,omitempty"`
	Spent Spending    `json:"spent,omitzero"`
}

// Handler serves a store to clients that have the key. It calls open for each request, so
// open should keep the store once it has opened it. Fill completes a run before it is put
// with what the session does not know, such as the name of the notebook; it may be nil. Charges
// get that name too, and the handler as their session.
func Handler(open func() (Store, error), key string, fill func(*Run)) http.Handler {
	session := rand.Text()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if key == "" || subtle.ConstantTimeCompare([]byte(given), []byte(key)) != 1 {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		if r.Method != http.MethodPost {
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		var c call
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&c); err != nil {
			http.Error(w, "the body is not a call", http.StatusBadRequest)
			return
		}
		if c.Run != nil && fill != nil {
			fill(c.Run)
		}
		if c.Charge != nil {
			c.Charge.Session = session
			if run := (Run{}); fill != nil {
				fill(&run)
				c.Charge.Notebook = run.Notebook
			}
		}
		for i := range c.Within {
			if c.Within[i].Session != "" {
				c.Within[i].Session = session
			}
		}
		var a answer
		s, err := open()
		if err == nil {
			a, err = serve(r.Context(), s, strings.Trim(r.URL.Path, "/"), c)
		}
		if err != nil {
			a = answer{Error: err.Error()}
			errors.As(err, &a.Over)
			switch {
			case errors.Is(err, ErrNotFound):
				a.Kind = "missing"
			case errors.Is(err, ErrAmbiguous):
				a.Kind = "ambiguous"
			}
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(a) // fails if the client is gone
	})
}

func serve(ctx context.Context, s Store, op string, c call) (a answer, err error) {
	switch op {
	case "put":
		if c.Run == nil {
			return a, errors.New("runs: put wants a run")
		}
		return a, s.Put(ctx, *c.Run)
	case "append":
		return a, s.Append(ctx, c.ID, c.Events)
	case "get":
		r, err := s.Get(ctx, c.ID)
		return answer{Run: &r}, err
	case "events":
		a.Events, err = s.Events(ctx, c.ID)
	case "list":
		a.List, a.All, err = s.List(ctx, c.Filter)
	case "sums":
		a.Sums, err = s.Sums(ctx, c.By, c.Since)
	case "charge":
		if c.Charge == nil {
			return a, errors.New("runs: charge wants a charge")
		}
		err = s.Charge(ctx, *c.Charge, c.Within...)
	case "spent":
		if len(c.Within) != 1 {
			return a, errors.New("runs: spent wants a budget")
		}
		a.Spent, err = s.Spent(ctx, c.Within[0])
	default:
		err = fmt.Errorf("runs: there is no operation %.40q", op)
	}
	return a, err
}

// patience is how long the store may take: its file may be busy for 5 s.
const patience = 10 * time.Second

// Dial returns the store that a Handler serves at url. Nothing is sent yet. If the store
// does not answer a call within 10 s, the call returns an error; nothing is sent twice.
func Dial(url, key string) Store {
	return &remote{url: strings.TrimRight(url, "/"), key: key, http: &http.Client{Timeout: patience}}
}

type remote struct {
	url, key string
	http     *http.Client
}

func (s *remote) do(ctx context.Context, op string, c call) (answer, error) {
	body, err := json.Marshal(c)
	if err != nil {
		return answer{}, fmt.Errorf("runs: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/"+op, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("runs: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("runs: the run store does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return answer{}, fmt.Errorf("runs: the run store answers %s", resp.Status)
	}
	var a answer
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&a); err != nil {
		return answer{}, fmt.Errorf("runs: the run store's answer: %w", err)
	}
	switch {
	case a.Over != nil:
		return a, a.Over
	case a.Kind == "missing":
		return a, kept{a.Error, ErrNotFound}
	case a.Kind == "ambiguous":
		return a, kept{a.Error, ErrAmbiguous}
	case a.Error != "":
		return a, errors.New(a.Error)
	}
	return a, nil
}

// kept is an error whose text and kind came over HTTP.
type kept struct {
	text string
	kind error
}

func (e kept) Error() string { return e.text }
func (e kept) Unwrap() error { return e.kind }

func (s *remote) Put(ctx context.Context, r Run) error {
	if err := r.Check(); err != nil {
		return err
	}
	_, err := s.do(ctx, "put", call{Run: &r})
	return err
}

func (s *remote) Append(ctx context.Context, id string, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	_, err := s.do(ctx, "append", call{ID: id, Events: events})
	return err
}

func (s *remote) Get(ctx context.Context, prefix string) (Run, error) {
	a, err := s.do(ctx, "get", call{ID: prefix})
	if err != nil || a.Run == nil {
		return Run{}, err
	}
	return *a.Run, nil
}

func (s *remote) Events(ctx context.Context, id string) ([]Event, error) {
	a, err := s.do(ctx, "events", call{ID: id})
	return a.Events, err
}

func (s *remote) List(ctx context.Context, f Filter) ([]Run, int, error) {
	a, err := s.do(ctx, "list", call{Filter: f})
	return a.List, a.All, err
}

func (s *remote) Sums(ctx context.Context, by string, since time.Time) ([]Sum, error) {
	a, err := s.do(ctx, "sums", call{By: by, Since: since})
	return a.Sums, err
}

func (s *remote) Charge(ctx context.Context, c Charge, within ...Budget) error {
	if err := c.Check(); err != nil {
		return err
	}
	_, err := s.do(ctx, "charge", call{Charge: &c, Within: within})
	return err
}

func (s *remote) Spent(ctx context.Context, b Budget) (Spending, error) {
	a, err := s.do(ctx, "spent", call{Within: []Budget{b}})
	return a.Spent, err
}

// A Server serves a store on this machine. Close it.
type Server struct {
	URL, Key string
	http     *http.Server
}

// Serve serves a store on a loopback port, to clients that have its random key; see
// Handler.
func Serve(open func() (Store, error), fill func(*Run)) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	s := &Server{URL: "http://" + l.Addr().String(), Key: rand.Text()}
	s.http = &http.Server{Handler: Handler(open, s.Key, fill), ReadHeaderTimeout: patience}
	go s.http.Serve(l) // ends with Close
	return s, nil
}

// Close stops the server and aborts calls in progress.
func (s *Server) Close() error { return s.http.Close() }
