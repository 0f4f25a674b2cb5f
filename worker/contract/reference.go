package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// ReferenceFile is the page of the hyperparameters, from the package's folder.
const ReferenceFile = "../../docs/reference/hyperparameters.md"

// Reference returns the page of the hyperparameters.
func Reference() ([]byte, error) {
	b := bytes.NewBufferString(`# Hyperparameters

Generated from worker/contract; do not edit. A value that is not given has its default; 0 is a value
like any other. A value that the optimizer, the loss or the scheduler does not use is refused, unless
it is the default.

| name | value | default | used by | option | what it is |
|---|---|---|---|---|---|
`)
	for _, row := range Hyperparameters() {
		value := string(row.Type)
		switch {
		case row.Values != nil:
			value = strings.Join(row.Values, ", ")
		case row.Range != nil:
			value += ", " + row.Range.String()
		}
		def := row.Absent
		if row.Default != nil {
			text, err := json.Marshal(row.Default)
			if err != nil {
				return nil, err
			}
			def = string(text)
			for _, name := range OptimizerNames() {
				if d, ok := row.DefaultBy[name]; ok {
					def += fmt.Sprintf("; %s %v", name, d)
				}
			}
			if row.Absent != "" {
				def += "; " + row.Absent
			}
		}
		used := strings.Join(append(append(append([]string{}, row.Optimizers...), row.Losses...), row.Schedulers...), ", ")
		if used == "" {
			used = "all"
		}
		option := "`--set " + row.Name + "=`"
		if row.Option != "" {
			option = "`--" + row.Option + "`"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s |\n", row.Name, value, def, used, option, row.Doc)
	}
	return b.Bytes(), nil
}
