"""jupyter-console in a terminal."""
import sys
import unittest

import pexpect
from common import KERNEL, environment


class ConsoleTest(unittest.TestCase):
    def setUp(self):
        env = environment()
        env["TERM"] = "dumb"  # no escape sequences around what is typed
        env["PROMPT_TOOLKIT_NO_CPR"] = "1"
        self.terminal = pexpect.spawn(
            sys.executable,
            ["-m", "jupyter_console", "--kernel", KERNEL, "--ZMQTerminalInteractiveShell.kernel_timeout=60"],
            env=env, encoding="utf-8", timeout=30, dimensions=(40, 120),
        )  # fmt: skip
        self.prompt(1)

    def tearDown(self):
        self.terminal.close(force=True)

    def prompt(self, n):
        self.terminal.expect(rf"In \[{n}\]: ")

    def enter(self, line):
        self.terminal.send(line + "\r")

    def test_session(self):
        t = self.terminal
        self.enter("6 * 7")
        t.expect(r"Out\[\S*1\S*\]: \S*42")
        self.prompt(2)
        self.enter('import "fmt"')
        self.prompt(3)
        # is_complete: the console waits for the closing brace and runs the lines as one cell.
        for line in ["for i := range 3 {", 'fmt.Println("row", i)', "}"]:
            self.enter(line)
        t.expect("row 0\r?\nrow 1\r?\nrow 2")
        self.prompt(4)
        self.enter('var who string; fmt.Print("who? "); fmt.Scan(&who); fmt.Println("hello,", who)')
        t.expect(r"\nwho\? ")
        self.enter("Ada")
        t.expect("hello, Ada")
        self.prompt(5)
        # Ctrl-C stops the cell and keeps the variables.
        self.enter('fmt.Println("started"); for { }')
        t.expect(r"\nstarted")
        t.sendintr()
        self.prompt(6)
        self.assertRegex(t.before, "[Ii]nterrupted")
        self.enter("who")
        t.expect(r"Out\[\S*6\S*\]: \S*\"?Ada")
        self.prompt(7)
        self.enter("undefinedName")
        t.expect("undefined")
        self.prompt(8)
        t.send("\x04")
        t.expect("Do you really want to exit")
        self.enter("y")
        t.expect(pexpect.EOF)


if __name__ == "__main__":
    unittest.main()
