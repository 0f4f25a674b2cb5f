package magics

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestLook writes a notebook with the outputs of the magics into the folder that
// GOPHERPOD_LOOK names, to be looked at in the viewers.
func TestLook(t *testing.T) {
	dir := os.Getenv("GOPHERPOD_LOOK")
	if dir == "" {
		t.Skip("GOPHERPOD_LOOK names no folder")
	}
	dir, _ = filepath.Abs(dir)
	vars := session(t)
	embedded(t)
	var cells []any
	for _, c := range []struct {
		magic, args, body string
		watched           bool
	}{
		{"runpod_train", "-d Xtrain,ytrain --val-split 0.1 --epochs 30 --lr 0.005 --seed 7", digitsNet, true},
		{"runpod_train", "-d Xtrain,ytrain --epochs 5 --seed 7 -o other", digitsNet, false},
		{"runpod_eval", "-d Xtest,ytest", "", true},
		{"runpod_health", "", "", true},
		{"runpod_train", "--help", "", true},
	} {
		out, err := run(t, c.magic, c.args, c.body, vars, c.watched)
		if err != nil {
			t.Fatal(err)
		}
		cells = append(cells, map[string]any{
			"cell_type": "code", "execution_count": nil, "id": "c" + string(rune('a'+len(cells))), "metadata": map[string]any{},
			"source": "%" + c.magic + " " + c.args + "\n" + c.body, "outputs": out.notebook(),
		})
	}
	b, err := json.MarshalIndent(map[string]any{
		"nbformat": 4, "nbformat_minor": 5, "cells": cells,
		"metadata": map[string]any{"kernelspec": map[string]any{"name": "gopherpod", "display_name": "Go", "language": "go"}},
	}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "look.ipynb"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// notebook returns the outputs as a notebook stores them: displays in their last
// form.
func (r *recorder) notebook() []any {
	out := []any{}
	if s := r.stdout.String(); s != "" {
		out = append(out, map[string]any{"output_type": "stream", "name": "stdout", "text": s})
	}
	at := map[string]int{}
	for _, s := range r.shown {
		data := map[string]any{}
		for mime, v := range s.data {
			if b, ok := v.([]byte); ok {
				v = base64.StdEncoding.EncodeToString(b)
			}
			data[mime] = v
		}
		meta := s.metadata
		if meta == nil {
			meta = map[string]any{}
		}
		entry := map[string]any{"output_type": "display_data", "data": data, "metadata": meta}
		if i, ok := at[s.id]; ok && s.update {
			out[i] = entry
			continue
		}
		at[s.id] = len(out)
		out = append(out, entry)
	}
	return out
}
