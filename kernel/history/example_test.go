package history_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gopherpod/gopherpod/kernel/history"
)

func Example() {
	dir, err := os.MkdirTemp("", "history")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	h := history.Open(filepath.Join(dir, "history.sqlite"))
	defer h.Close()
	h.Add(1, "x := 6 * 7")
	h.Add(2, "x")
	h.SetOutput(2, "42")
	last, err := h.Tail(1)
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := h.Search("x :=*", 10, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("In[%d]: %s, Out: %s\n", last[0].Line, last[0].Source, last[0].Output)
	fmt.Printf("found In[%d]: %s\n", found[0].Line, found[0].Source)
	// Output:
	// In[2]: x, Out: 42
	// found In[1]: x := 6 * 7
}
