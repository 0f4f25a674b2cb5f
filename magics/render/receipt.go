package render

import (
	"encoding/json"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/display"
)

// MIMEReceipt is the key of a receipt in the metadata of an output, for programs.
const MIMEReceipt = "gopherpod.receipt"

// Receipt shows a summary that unfolds to pairs of names and values. The whole
// receipt, which names the run, goes into the metadata, which no viewer shows.
func Receipt(summary string, rows [][2]string, whole any) display.Message {
	t := Table{Header: []string{"receipt", ""}, Left: []string{"receipt", ""}}
	for _, r := range rows {
		t.Rows = append(t.Rows, []string{r[0], r[1]})
	}
	b := table("<details><summary>"+escape(summary)+"</summary>\n"+t.HTML()+"</details>", summary)
	// Metadata is sent as JSON, so convert the receipt to plain JSON types.
	var plain any
	if raw, err := json.Marshal(whole); err == nil && json.Unmarshal(raw, &plain) == nil {
		b.Metadata = map[string]any{MIMEReceipt: plain}
	}
	return b
}

// Digest shortens a digest for people to read.
func Digest(sha256 string) string {
	return strings.ToLower(sha256[:min(12, len(sha256))])
}
