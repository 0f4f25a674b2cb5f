"""The official suite for Jupyter kernels, jupyter_kernel_test, for this one.

    python -m pytest test_jupyter_kernel.py

tests the kernel that is installed as "gopherpod", or under the name in GOPHERPOD_KERNEL. Every
sample is set, so that no test is skipped.
"""
import os
import unittest

import jupyter_kernel_test

KERNEL = os.environ.get("GOPHERPOD_KERNEL", "gopherpod")
IMPORTS = 'import (\n\t"fmt"\n\t"os"\n\t"strings"\n\n\t"github.com/gopherpod/gopherpod/kernel/display"\n)'


class GopherpodTests(jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "go"
    file_extension = ".go"

    code_hello_world = 'fmt.Println("hello, world")'
    code_stderr = 'fmt.Fprintln(os.Stderr, "to stderr")'
    completion_samples = [
        {"text": "fmt.Fprintl", "matches": {"Fprintln"}},
        {"text": "strings.HasPre", "matches": {"HasPrefix"}},
        {"text": "thereIsNoSuchNam", "matches": set()},
    ]
    complete_code_samples = [
        "x := 1",
        'fmt.Println("a")',
        "func double(n int) int { return 2 * n }",
        "for i := range 3 {\n\tfmt.Println(i)\n}",
        "type pair[T any] struct{ a, b T }",
    ]
    incomplete_code_samples = [
        "func double(n int) int {",
        'fmt.Println("a",',
        "numbers := []int{1,",
        "if true {\n\tx := 1",
        "text := `raw",
        "/* a comment",
    ]
    invalid_code_samples = ["x := := 3", "func 3() {}", "fmt.Println(1))"]
    code_page_something = "fmt.Println?"
    code_generate_error = 'panic("boom")'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "1.5 + 2", "result": "3.5"},
        {"code": "[]int{1, 2, 3}", "result": "[1 2 3]"},
    ]
    code_display_data = [
        {"code": 'display.HTML("<b>bold</b>")', "mime": "text/html"},
        {"code": 'display.Markdown("**bold**")', "mime": "text/markdown"},
        {"code": 'display.PNG([]byte("\\x89PNG"))', "mime": "image/png"},
    ]
    code_history_pattern = "6 [*]*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "fmt.Println"
    code_clear_output = "display.Clear(false)"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        reply = cls.kc.execute_interactive(IMPORTS, timeout=120)
        assert reply["content"]["status"] == "ok", reply["content"]


class GopherpodWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True


class NothingIsSkipped(unittest.TestCase):
    def test_every_sample_is_set(self):
        for suite, ours in [
            (jupyter_kernel_test.KernelTests, GopherpodTests),
            (jupyter_kernel_test.IopubWelcomeTests, GopherpodWelcomeTests),
        ]:
            for name, value in vars(suite).items():
                if not name.startswith("_") and not callable(value) and not isinstance(value, classmethod):
                    self.assertTrue(getattr(ours, name), f"{name} is not set")


if __name__ == "__main__":
    unittest.main()
