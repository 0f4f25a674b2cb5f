package check_test

import (
	"fmt"
	"strings"

	"github.com/gopherpod/gopherpod/kernel/check"
	"github.com/gopherpod/gopherpod/kernel/secrets"
)

func ExampleNotebook() {
	notebook := `{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
		{"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 1, "outputs": [],
		 "source": ["file := \"/home/ann/data.csv\"\n", "key := \"rpa_0123456789abcdef\""]}]}`
	redact := secrets.Redactor([]string{"RUNPOD_API_KEY=rpa_0123456789abcdef"})
	found, err := check.Notebook(strings.NewReader(notebook), redact, "/home/ann")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range found {
		fmt.Println(f)
	}
	// Output:
	// cell 1, source, line 1: home path: your home folder
	// cell 1, source, line 2: secret: a key or token; revoke it: anyone who saw the notebook has it
}
