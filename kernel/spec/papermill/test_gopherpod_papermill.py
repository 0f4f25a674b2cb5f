"""Tests of the Go translator, in the manner of papermill's own translator tests."""
import math
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from gopherpod_papermill import GoTranslator
from nbformat.v4 import new_code_cell
from papermill.translators import papermill_translators, translate_parameters

VALUES = [
    ("foo", '"foo"'),
    ('{"foo": "bar"}', r'"{\"foo\": \"bar\"}"'),
    ("a\\b\n\t", r'"a\\b\n\t"'),
    ("grüße 世界 🌍", '"grüße 世界 🌍"'),
    ("\x00\x1b\u200b\U000e0001", r'"\u0000\u001b\u200b\U000e0001"'),
    ("", '""'),
    (12345, "12345"),
    (-54321, "-54321"),
    (2**63 - 1, "9223372036854775807"),
    (1.2345, "1.2345"),
    (-5432.1, "-5432.1"),
    (1e-7, "1e-07"),
    (3.0, "3.0"),
    (float("nan"), "math.NaN()"),
    (float("inf"), "math.Inf(1)"),
    (float("-inf"), "math.Inf(-1)"),
    (True, "true"),
    (False, "false"),
    (None, "any(nil)"),
    ([], "[]any{}"),
    ([1, 2], "[]int{1, 2}"),
    ([1, 2.5], "[]float64{1, 2.5}"),
    (["a", "b"], '[]string{"a", "b"}'),
    ([1, "a", None, True], '[]any{1, "a", nil, true}'),
    ([[1, 2], [3]], "[][]int{[]int{1, 2}, []int{3}}"),
    ([[1], [2.5]], "[][]float64{[]float64{1}, []float64{2.5}}"),
    ([{"a": 1}], '[]map[string]int{map[string]int{"a": 1}}'),
    ({}, "map[string]any{}"),
    ({"foo": "bar"}, 'map[string]string{"foo": "bar"}'),
    ({"foo": 1, "baz": 2.5}, 'map[string]float64{"foo": 1, "baz": 2.5}'),
    ({"foo": 5, "bar": "b"}, 'map[string]any{"foo": 5, "bar": "b"}'),
    ({"foo": [1, 2], "bar": [3]}, 'map[string][]int{"foo": []int{1, 2}, "bar": []int{3}}'),
    ({1: "foo"}, 'map[string]string{"1": "foo"}'),
]


class TranslateTest(unittest.TestCase):
    def test_values(self):
        for value, want in VALUES:
            with self.subTest(value=value):
                self.assertEqual(GoTranslator.translate(value), want)

    def test_codify(self):
        for parameters, want in [
            ({"foo": "bar"}, '// Parameters\nfoo := "bar"\n'),
            ({"foo": True, "n": 5}, "// Parameters\nfoo := true\nn := 5\n"),
            ({}, "// Parameters\n"),
            ({"lr": math.inf}, '// Parameters\n\nimport "math"\n\nlr := math.Inf(1)\n'),
            ({"lr": [0.5, math.nan]}, '// Parameters\n\nimport "math"\n\nlr := []float64{0.5, math.NaN()}\n'),
        ]:
            with self.subTest(parameters=parameters):
                self.assertEqual(GoTranslator.codify(parameters), want)

    def test_comment(self):
        self.assertEqual(GoTranslator.comment(""), "//")
        self.assertEqual(GoTranslator.comment("foo"), "// foo")

    def test_refused(self):
        for parameters in [{"type": 1}, {"a-b": 1}, {"1a": 1}, {"_": 1}, {"big": 2**63}]:
            with self.subTest(parameters=parameters), self.assertRaises(ValueError):
                GoTranslator.codify(parameters)

    def test_inspect(self):
        for source, want in [
            ("a := 2", [("a", "int", "2", "")]),
            ("a := -2.5e-3", [("a", "float64", "-2.5e-3", "")]),
            ("a := 1e3", [("a", "float64", "1e3", "")]),
            ("a := true", [("a", "bool", "true", "")]),
            ("a := f(2)", [("a", "None", "f(2)", "")]),
            ("var a float64 = 2 // the rate", [("a", "float64", "2", "the rate")]),
            ('var a = "http://x" // where', [("a", "string", '"http://x"', "where")]),
            ("layers := []int{64, 10}", [("layers", "[]int", "[]int{64, 10}", "")]),
            ('m := map[string][]float64{"a": {1}}', [("m", "map[string][]float64", 'map[string][]float64{"a": {1}}', "")]),
            ("// a comment\n\nfmt.Println(a)\na := 1\nb := `x`", [("a", "int", "1", ""), ("b", "string", "`x`", "")]),
        ]:
            with self.subTest(source=source):
                found = GoTranslator.inspect(new_code_cell(source=source))
                self.assertEqual([(p.name, p.inferred_type_name, p.default, p.help) for p in found], want)

    def test_registered(self):
        self.assertIs(papermill_translators.find_translator("gopherpod", "go"), GoTranslator)
        self.assertIs(papermill_translators.find_translator("another kernel", "go"), GoTranslator)
        self.assertEqual(translate_parameters("gopherpod", "go", {"a": 1}), "// Parameters\na := 1\n")

    @unittest.skipUnless(shutil.which("go"), "no Go here")
    def test_compiles(self):
        lines = [f"\tv{i} := {want}\n\t_ = v{i}\n" for i, (_, want) in enumerate(VALUES)]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "main.go")
            file.write_text('package main\n\nimport "math"\n\nfunc main() {\n\t_ = math.Pi\n' + "".join(lines) + "}\n")
            subprocess.run(["go", "vet", str(file)], check=True)


if __name__ == "__main__":
    unittest.main()
