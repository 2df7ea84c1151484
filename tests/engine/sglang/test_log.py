from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from glmcode_engine.sglang.causes import find_cause
from glmcode_engine.sglang.log import ServerLog
from glmcode_engine.sglang.phases import Phase, read_phase

CORPUS = yaml.safe_load(Path(__file__).with_name("log_lines.yaml").read_text("utf-8"))
KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("entry", CORPUS["phases"], ids=lambda entry: entry["line"][:60])
def test_every_line_of_the_corpus_tells_its_phase(entry: dict[str, Any]) -> None:
    phase = read_phase(entry["line"])
    assert (phase.name if phase else None) == entry["phase"]
    assert (phase.fraction if phase else None) == entry.get("fraction")


def test_a_start_never_goes_back_and_keeps_its_fraction_within_a_phase() -> None:
    loading = read_phase("Loading safetensors checkpoint shards:  25% Completed | 1/4 [00:00<00:01,  2.32it/s]")
    assert loading is not None
    again = read_phase("[TP1] Load weight begin. avail mem=137.29 GB", loading)
    assert again is not None and again.fraction == 0.25
    assert read_phase("[TP1] Load weight begin. avail mem=137.29 GB", Phase(name="kv")) is None


@pytest.mark.parametrize("entry", CORPUS["causes"], ids=lambda entry: entry["source"])
def test_every_ending_of_the_corpus_is_explained(entry: dict[str, Any]) -> None:
    assert entry["says"] in find_cause(entry["tail"], entry.get("code"))


@given(st.lists(st.text(max_size=200), max_size=20), st.none() | st.integers(0, 255))
def test_a_cause_is_one_printable_line_whatever_the_log_holds(tail: list[str], code: int | None) -> None:
    cause = find_cause([f"RuntimeError: CUDA error: \x1b[2J\x07{line}" for line in tail], code)
    assert cause.isprintable() and 0 < len(cause) < 600


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.sampled_from(["\n", "\r", "\r\n"]))
def test_the_key_is_never_kept_however_the_output_arrives(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], end: str
) -> None:
    path = tmp_path_factory.mktemp("log") / "x.log"
    log = ServerLog(path, secret=KEY)
    data = (f"api_key='{KEY}' {KEY[:20]}" + end + "b" * 20 + KEY + end + KEY).encode()
    lines: list[str] = []
    for cut in cuts:
        lines += log.feed(data[:cut])
        data = data[cut:]
    lines += log.feed(data) + log.finish()
    assert KEY not in path.read_text() and KEY not in "".join(lines)
    assert lines == [f"api_key='[key]' {KEY[:20]}", "b" * 20 + "[key]", "[key]"] == list(log.tail)
    path.unlink()


def test_the_log_is_private_kept_once_and_never_grows_without_end(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("of the last server\n")
    log = ServerLog(path, secret=KEY, file_bytes=1000)
    assert (tmp_path / "x.log.1").read_text() == "of the last server\n"
    for number in range(200):
        log.feed(f"line {number:04} {'x' * 20}\n".encode())
    log.feed(b"y" * 200_000)
    log.feed(b'INFO: 127.0.0.1:1 - "GET /health HTTP/1.1" 503 Service Unavailable\n')
    log.finish()
    sizes = [each.stat().st_size for each in tmp_path.iterdir()]
    assert len(sizes) == 2 and max(sizes) < 300_000
    assert path.stat().st_mode & 0o077 == 0
    assert not any("GET /health" in line for line in log.tail)


def test_a_line_without_an_end_is_cut_but_never_inside_the_key(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "x.log", secret=KEY)
    log.feed(b"z" * (64_001 - len(KEY)) + KEY[:10].encode())
    log.feed(KEY[10:].encode() + b"\n")
    log.finish()
    assert KEY[:10] not in (tmp_path / "x.log").read_text()
