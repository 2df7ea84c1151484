import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from glmcode.tui.prompt.history import HistoryFile

ROOT = Path(__file__).resolve().parents[2]
CHILD = [sys.executable, "-m", "tests.plain.child"]


class Terminal:
    """The session in a terminal of its own: type into it, and wait for what it says."""

    def __init__(self, folder: Path) -> None:
        self.master, slave = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            [*CHILD, str(folder)], cwd=ROOT, env=environment, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
        )  # fmt: skip
        self.slave = slave
        self.shown = ""

    def type(self, typed: str) -> None:
        os.write(self.master, typed.encode())

    def wait_for(self, expected: str, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while expected not in self.shown:
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{expected!r} was not said; but: {self.shown!r}"
            self.shown += os.read(self.master, 65536).decode("utf-8", "replace")
        self.shown = self.shown.partition(expected)[2]

    def interrupt(self) -> None:
        self.process.send_signal(2)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def test_prompts_are_read_told_and_remembered(terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait_for("> ")
    terminal.type("修复\\\nplease\n")
    terminal.wait_for(r"You said: '修复\nplease'")
    terminal.wait_for("Turn done: 1 step, 1s.")
    terminal.type("second\n")
    terminal.wait_for("You said: 'second'")
    terminal.wait_for("> ")
    terminal.type("\x1b[A\n")
    terminal.wait_for("You said: 'second'")
    terminal.type("/quit\n")
    assert terminal.process.wait(30) == 0
    assert [entry.text for entry in HistoryFile(tmp_path).read()][:2] == ["修复\nplease", "second"]


def test_the_first_interrupt_ends_the_turn_and_the_session_goes_on(terminal: Terminal) -> None:
    terminal.wait_for("> ")
    terminal.type("wait\n")
    terminal.wait_for("Working.")
    terminal.interrupt()
    terminal.wait_for("Interrupting the turn.")
    terminal.wait_for("Turn interrupted")
    terminal.type("again\n")
    terminal.wait_for("You said: 'again'")


def test_the_second_interrupt_leaves_and_gives_the_terminal_back(terminal: Terminal) -> None:
    before = termios.tcgetattr(terminal.slave)
    terminal.wait_for("> ")
    terminal.interrupt()
    terminal.wait_for("again leaves")
    terminal.interrupt()
    assert terminal.process.wait(30) == 130
    assert termios.tcgetattr(terminal.slave) == before


def test_only_the_number_allows_and_typing_ahead_answers_nothing(terminal: Terminal) -> None:
    terminal.wait_for("> ")
    terminal.type("ask\n")
    terminal.wait_for("3. Refuse, and tell the model why.")
    terminal.wait_for("Number: ")
    terminal.type("yes\n")
    terminal.wait_for("Type one of these numbers.")
    terminal.type("3\n")
    terminal.wait_for("Reason: ")
    terminal.type("not today\n")
    terminal.wait_for("False not today")
    terminal.wait_for("> ")
    terminal.type("ask\n1\n")
    terminal.wait_for("Number: ")
    terminal.type("2\n")
    terminal.wait_for("False")
    terminal.wait_for("> ")
    terminal.type("ask\n")
    terminal.wait_for("Number: ")
    terminal.type("1\n")
    terminal.wait_for("True")


def test_what_is_done_already_is_shown_and_kept_or_taken_back(terminal: Terminal) -> None:
    terminal.wait_for("> ")
    for answer, decided in (("1", "True"), ("2", "False"), ("3", "False no tasks"), ("4", "True")):
        terminal.type("ask afterwards\n")
        terminal.wait_for("commands changed x: tools obey it. It happened already.")
        terminal.wait_for("+evil\r\n+evil")
        terminal.wait_for("40 more lines.")
        terminal.wait_for("2. Take it back.")
        terminal.wait_for("Number: ")
        terminal.type(f"{answer}\n")
        if answer == "3":
            terminal.wait_for("Reason: ")
            terminal.type("no tasks\n")
        terminal.wait_for(decided)
        terminal.wait_for("> ")


def test_the_end_of_the_input_ends_the_session_and_a_question_without_it_fails(tmp_path: Path) -> None:
    done = subprocess.run(
        [*CHILD, str(tmp_path)], cwd=ROOT, input="one\n/help\n", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 and "You said: 'one'" in done.stdout and "Ctrl-D leaves" in done.stdout
    asked = subprocess.run([*CHILD, str(tmp_path)], cwd=ROOT, input="ask\n", capture_output=True, text=True, timeout=60)
    assert "NobodyToAsk" in asked.stderr and "True" not in asked.stdout


def test_this_face_needs_no_textual() -> None:
    check = "import sys, glmcode.plain.conversation, glmcode.plain.asking; print('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
