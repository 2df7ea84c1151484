import pytest

from glmcode.cli.interactive import face


@pytest.mark.parametrize(
    ("wanted", "terminal", "shown"),
    [
        (None, "xterm-256color", "full"),
        (None, "dumb", "plain"),
        (None, "", "plain"),
        ("full", "dumb", "full"),
        ("plain", "xterm-256color", "plain"),
    ],
)
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(wanted: str | None, terminal: str, shown: str) -> None:
    assert face(wanted, {"TERM": terminal}) == shown
