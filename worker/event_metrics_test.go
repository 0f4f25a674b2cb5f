package worker

import (
	"reflect"
	"slices"
	"testing"

	"github.com/gopherpod/gopherpod/worker/contract"
)

// TestMetricsAreTheContracts: the fields of the answers are the contract's metrics, no
// more and no fewer.
func TestMetricsAreTheContracts(t *testing.T) {
	numbers := func(p any) (names []string) {
		for _, name := range jsonNames(reflect.TypeOf(p).Elem()) {
			if f := reflect.ValueOf(p).Elem().Field(fieldOf(reflect.TypeOf(p).Elem(), name)); f.Type() == reflect.TypeFor[*Number]() || f.Type() == reflect.TypeFor[Number]() {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	var whole, each []string
	epoch := []string{"learning_rate", "seconds"}
	for _, m := range contract.Metrics() {
		if m.PerClass {
			each = append(each, m.Name)
		} else {
			whole = append(whole, m.Name)
		}
		if m.Epochs {
			epoch = append(epoch, m.Name, "val_"+m.Name)
		}
	}
	for _, c := range []struct {
		what      string
		got, want []string
	}{{"Metrics", numbers(&Metrics{}), whole}, {"ClassMetrics", numbers(&ClassMetrics{}), each}, {"Epoch", numbers(&Epoch{}), epoch}} {
		if slices.Sort(c.want); !slices.Equal(c.got, c.want) {
			t.Errorf("%s has %v, the contract has %v", c.what, c.got, c.want)
		}
	}
	loss, right := Number(2), Number(0.5)
	m, e := Metrics{Loss: loss, AUC: &right}, Epoch{Loss: loss, ValAccuracy: &right}
	if *m.Value("loss") != 2 || *m.Value("auc") != 0.5 || m.Value("rmse") != nil || m.Value("nonesuch") != nil || m.Value("samples_processed") != nil {
		t.Error("Metrics.Value is wrong")
	}
	if *e.Value("val_accuracy") != 0.5 || e.Value("accuracy") != nil || *e.Value("loss") != 2 {
		t.Error("Epoch.Value is wrong")
	}
}
