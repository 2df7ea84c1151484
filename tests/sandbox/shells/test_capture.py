import itertools
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from glmcode_sandbox.containers.exec_socket import Frames
from glmcode_sandbox.shells.capture import MARK, Capture, Run
from glmcode_sandbox.shells.script import Driver, parse_driver

START, END = b"\x1eaaaa\x1e", b"\x1ebbbb:"
NASTY = st.lists(st.sampled_from([b"\x1e", b"aaaa", b"bbbb", b":", b"0", b"x", START, b"\x1ebbb"])).map(b"".join)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(NASTY, NASTY | st.binary(), st.integers(0, 255), NASTY, st.lists(st.integers(0, 120), max_size=6))
def test_finds_what_lies_between_the_markers(
    before: bytes, output: bytes, code: int, after: bytes, cuts: list[int]
) -> None:
    before, output = before.replace(START, b""), output.replace(END, b"")
    if START in before + START[:-1] or END in output + END[:-1]:
        return
    capture = Capture(1000, None, None, 10**6)
    run = Run("aaaa", "bbbb", capture)
    for piece in cut(before + START + output + END + str(code).encode() + MARK + after, cuts):
        run.feed(piece)
    assert run.exit_code == code and run.stopped.is_set() and run.started
    assert capture.finish() == (output, None, None)


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(2, 64))
def test_keeps_both_ends(pieces: list[bytes], keep: int) -> None:
    capture = Capture(keep, None, None, 10**6)
    for piece in pieces:
        capture.add(piece)
    output, head, _ = capture.finish()
    whole = b"".join(pieces)
    assert capture.total_bytes == len(whole)
    if len(whole) <= keep:
        assert (output, head) == (whole, None)
    else:
        half = keep // 2
        assert (output, head) == (whole[:half] + whole[-half:], half)


def test_the_spill_file_holds_all_and_is_made_only_when_needed(tmp_path: Path) -> None:
    capture = Capture(10, tmp_path / "new" / "spill", None, 10**6)
    capture.add(b"0123456789")
    assert not (tmp_path / "new").exists()
    for _ in range(50):
        capture.add(b"abc")
    assert capture.finish()[2] == tmp_path / "new" / "spill"
    assert (tmp_path / "new" / "spill").read_bytes() == b"0123456789" + b"abc" * 50


def test_what_comes_past_the_limit_is_counted_only() -> None:
    seen: list[bytes] = []
    capture = Capture(4, None, seen.append, 100)
    for _ in range(30):
        capture.add(b"0123456789")
    assert capture.flooded and capture.total_bytes == 300 and len(b"".join(seen)) == 110


@given(st.lists(st.tuples(st.integers(1, 2), st.binary(max_size=30))), st.lists(st.integers(0, 300), max_size=8))
def test_frames_are_taken_apart_wherever_they_are_cut(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(bytes([stream, 0, 0, 0]) + len(body).to_bytes(4, "big") + body for stream, body in frames)
    parser = Frames()
    assert b"".join(map(parser.feed, cut(data, cuts))) == b"".join(body for _, body in frames)


@given(st.binary())
def test_only_the_drivers_own_answer_is_taken(noise: bytes) -> None:
    answer = b"\x1ecafe:12:bash:0:/home/x\x1e"
    driver = parse_driver("cafe", noise + answer)
    assert driver == Driver(12, "bash", "setsid", "/home/x")
    assert parse_driver("beef", noise + answer) is None


def test_what_cleaning_takes_away_stays_available_where_that_is_asked_for(tmp_path: Path) -> None:
    cases = {
        b"plain\ttext\n\xc3\xa9\n": False,
        b"\x1b[31mred\n": True,
        b"a\rb\n": True,
        b"a\xe2\x80\xaeb": True,
        b"\xff": True,
    }
    for number, (output, kept) in enumerate(cases.items()):
        for asked in (True, False):
            path = tmp_path / f"{number}{asked}"
            capture = Capture(100, path, None, 10**6, keeps_raw=asked)
            capture.add(output)
            assert capture.finish() == (output, None, path if kept and asked else None)
            assert path.exists() == (kept and asked) and (not path.exists() or path.read_bytes() == output)
