from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver

from glmcode.tui.terminal_input import TerminalInput, prepare
from glmcode_sandbox.clean import clean_text


def _read(*chunks: str) -> list[tuple[str, str]]:
    parser = TerminalInput()
    found: list[tuple[str, str]] = []
    for chunk in chunks:
        for event in parser.feed(chunk):
            match event:
                case events.Paste(text=text):
                    found.append(("paste", text))
                case events.Key(key=key):
                    found.append(("key", key))
                case _:
                    found.append(("other", type(event).__name__))
    return found


@given(st.text(st.sampled_from("ab\x1b[31m\r\n~]0;\x07修"), max_size=60), st.data())
def test_a_paste_is_one_paste_however_it_arrives_and_whatever_is_in_it(inside: str, data: st.DataObject) -> None:
    whole = f"x\x1b[200~{inside}\x1b[201~\x1b[Ay"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[first:last] for first, last in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expected = clean_text(inside.replace("\r\n", "\n").replace("\r", "\n"))
    assert _read(*filter(None, chunks)) == [("key", "x"), ("paste", expected), ("key", "up"), ("key", "y")]


def test_escapes_in_a_paste_press_no_keys() -> None:
    pasted = "a\x1b[31m\rrm -rf /\r" * 3
    keys = [event for event in XTermParser().feed(f"\x1b[200~{pasted}\x1b[201~") if isinstance(event, events.Key)]
    assert keys, "Textual reads this right by now: TerminalInput is no longer needed"
    assert [kind for kind, _ in _read(f"\x1b[200~{pasted}\x1b[201~")] == ["paste"]


def test_an_empty_paste_is_reported_since_it_means_a_picture() -> None:
    assert _read("\x1b[200~\x1b[201~") == [("paste", "")]


def test_a_paste_of_millions_of_characters_is_read_at_once() -> None:
    row = "x" * 1023 + "\n"
    found = _read("\x1b[200~", *[row] * 3000, "\x1b[201~")
    assert found == [("paste", row * 3000)]


def test_alt_enter_of_an_old_terminal_breaks_the_line() -> None:
    prepare()
    assert _read("\x1b\r") == [("key", "ctrl+j")]
    assert _read("\r") == [("key", "enter")]
    assert vars(linux_driver)["XTermParser"] is TerminalInput
