package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// header is what a model's file holds besides the weights, as JSON under the key
// "gopherpod" of the safetensors metadata.
type header struct {
	Version         int                    `json:"version"`
	Model           *worker.ModelConfig    `json:"model_config"`
	Hyperparameters worker.Hyperparameters `json:"hyperparameters"`
	History         []worker.Epoch         `json:"history"`
	Epochs          int                    `json:"epochs"`
	Parameters      int                    `json:"parameters"`
	Input           []int                  `json:"input,omitempty"`
	Output          []int                  `json:"output,omitempty"`
	ClassNames      []string               `json:"class_names,omitempty"`
	Columns         []string               `json:"columns,omitempty"`
	RunID           string                 `json:"run_id"`
	Weights         *worker.Weights        `json:"weights,omitempty"`
	Device          string                 `json:"device_used,omitempty"`
	Precision       string                 `json:"precision,omitempty"`
}

const (
	headerKey     = "gopherpod"
	headerVersion = 1
)

// Save writes the model as a safetensors file, which PyTorch reads as a state_dict
// (safetensors.torch.load_file). The metadata of the file has the layers, the history and
// the hyperparameters. The state of the optimizer goes into a second file in the same
// folder, "NAME.optimizer.safetensors". An existing file is replaced completely or not
// at all.
func (m *Model) Save(path string) error {
	weights, err := m.StateDict()
	if err != nil {
		return fmt.Errorf("train: save %s: %w", path, err)
	}
	h, err := json.Marshal(header{
		Version: headerVersion, Model: m.Spec, Hyperparameters: m.Hyperparameters, History: m.History.Records,
		Epochs: m.Epochs, Parameters: m.Parameters, Input: m.Input, Output: m.Output, ClassNames: m.ClassNames, Columns: m.Columns,
		RunID: m.RunID, Device: m.Device, Precision: m.Precision, Weights: &m.Weights,
	})
	if err != nil {
		return fmt.Errorf("train: save %s: %w", path, err)
	}
	second := optimizerPath(path)
	if m.optimizerState == "" {
		if err := os.Remove(second); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("train: save: cannot remove the optimizer file of another model: %w", err)
		}
	} else if err := saveOptimizer(second, m.optimizerState, m.RunID); err != nil {
		return err
	}
	return saveSet(path, weights, map[string]string{"format": "pt", headerKey: string(h)})
}

func saveOptimizer(path, state, runID string) error {
	set, err := tensors.DecodeState(state, 0)
	if err != nil {
		return fmt.Errorf("train: save %s: %w", path, err)
	}
	return saveSet(path, set, map[string]string{"format": "pt", headerKey + ".run_id": runID})
}

func saveSet(path string, set tensors.Set, metadata map[string]string) error {
	b, err := tensors.EncodeSafetensors(set, metadata)
	if err == nil {
		err = replace(path, b)
	}
	if err != nil {
		return fmt.Errorf("train: save %s: %w", path, err)
	}
	return nil
}

// replace writes a temporary file in the folder of path and renames it to path, so that a
// crash leaves the old file or the new one.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone after the rename
	_, err = f.Write(b)
	if e := f.Chmod(0o644); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func optimizerPath(path string) string {
	return strings.TrimSuffix(path, ".safetensors") + ".optimizer.safetensors"
}

// Load reads a model that Save wrote. Its methods run on the default endpoint; see
// Model.On.
func Load(path string) (*Model, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("train: load: %w", err)
	}
	set, metadata, err := tensors.DecodeSafetensors(b)
	if err != nil {
		return nil, fmt.Errorf("train: load %s: %w", path, err)
	}
	text, ok := metadata[headerKey]
	if !ok {
		return nil, fmt.Errorf("train: load %s: the file holds weights but not the layers that they belong to; Save writes both", path)
	}
	m, err := fromHeader(text, set)
	if err != nil {
		return nil, fmt.Errorf("train: load %s: %w", path, err)
	}
	m.optimizerState, err = loadOptimizer(optimizerPath(path), m.RunID)
	return m, err
}

func fromHeader(text string, set tensors.Set) (*Model, error) {
	var h header
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, err
	}
	if h.Version != headerVersion {
		return nil, fmt.Errorf("version %d of the format; this program reads %d", h.Version, headerVersion)
	}
	if h.Model == nil {
		return nil, fmt.Errorf("the file names no layers")
	}
	if err := checkState(h.Model, set); err != nil {
		return nil, err
	}
	state, err := tensors.EncodeState(set, true)
	if err != nil {
		return nil, err
	}
	if h.Weights == nil {
		h.Weights = &worker.Weights{Epoch: h.Epochs}
	}
	return &Model{
		Spec: h.Model, Weights: *h.Weights, Hyperparameters: h.Hyperparameters, History: NewHistory(h.History),
		Epochs: h.Epochs, Parameters: h.Parameters, Input: h.Input, Output: h.Output, ClassNames: h.ClassNames, Columns: h.Columns,
		RunID: h.RunID, Device: h.Device, Precision: h.Precision, state: state,
	}, nil
}

// checkState checks that the weights are those that the layers need.
func checkState(model *worker.ModelConfig, set tensors.Set) error {
	if model.Other != nil {
		return nil // its worker knows the names, and checks them
	}
	want, err := model.State()
	if err != nil {
		return err
	}
	for _, w := range want {
		t, ok := set[w.Name]
		if !ok {
			return fmt.Errorf("the weights lack %s, which the layers ask for", w.Name)
		}
		if worker.Sizes(t.Shape) != worker.Sizes(w.Shape) {
			return fmt.Errorf("%s has shape %s and the layers ask for %s", w.Name, worker.Sizes(t.Shape), worker.Sizes(w.Shape))
		}
	}
	if len(set) != len(want) {
		return fmt.Errorf("the file holds %d tensors and the layers ask for %d", len(set), len(want))
	}
	return nil
}

// loadOptimizer reads the optimizer's file. It returns "" if there is none or if it belongs
// to another run.
func loadOptimizer(path, runID string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("train: load: %w", err)
	}
	set, metadata, err := tensors.DecodeSafetensors(b)
	if err != nil {
		return "", fmt.Errorf("train: load %s: %w", path, err)
	}
	if metadata[headerKey+".run_id"] != runID {
		return "", nil
	}
	return tensors.EncodeState(set, true)
}
