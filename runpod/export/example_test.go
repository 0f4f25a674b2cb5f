package export_test

import (
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/runpod/export"
	"github.com/gopherpod/gopherpod/tensors"
	"github.com/gopherpod/gopherpod/worker"
)

// A model as Go source, which needs only the standard library.
func ExampleEncode() {
	config, err := worker.ParseModel("linear 1 in_features=2\nsigmoid")
	if err != nil {
		fmt.Println(err)
		return
	}
	weight, err := tensors.From([][]float32{{1, 2}})
	if err != nil {
		fmt.Println(err)
		return
	}
	bias, err := tensors.From([]float32{3})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := &export.Model{Config: config, Input: []int{2}, State: tensors.Set{"0.weight": weight, "0.bias": bias}, About: "an example"}
	b, err := export.Encode(m, export.FormatOf("model.go"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "func Predict") || strings.HasPrefix(line, "package ") {
			fmt.Print(line)
		}
	}
	// Output:
	// package model
	// func Predict(x [][]float32) ([][]float32, error) {
}
