import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import splintr
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from glmcode_engine.tokens import Counter

GLM = splintr.Tokenizer.from_pretrained("glm4")
CL100K = splintr.Tokenizer.from_pretrained("cl100k_base")
COUNTER = Counter()
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))


def source_files() -> list[str]:
    files = sorted(STANDARD_LIBRARY.glob("*.py"))
    return [file.read_text("utf-8", "replace") for file in files[::3]]


def json_documents() -> Iterator[str]:
    variables = {name: str(value) for name, value in sysconfig.get_config_vars().items() if "DIR" not in name}
    yield json.dumps(variables, indent=2)
    files = [{"path": file.name, "size": file.stat().st_size, "test": None} for file in STANDARD_LIBRARY.glob("*.py")]
    yield json.dumps(files, indent=2)
    calls = [{"name": "read", "arguments": {"path": f"src/{name}.py", "first": 1}} for name in sys.stdlib_module_names]
    yield json.dumps(calls)


def test_source_code_is_counted_within_one_percent_of_glm() -> None:
    texts = source_files()
    assert len(texts) > 30
    ours, glms = sum(map(COUNTER.count, texts)), sum(len(GLM.encode_ordinary(text)) for text in texts)
    assert ours == pytest.approx(glms, rel=0.01)


def test_json_is_counted_within_four_percent_of_glm() -> None:
    texts = list(json_documents())
    ours, glms = sum(map(COUNTER.count, texts)), sum(len(GLM.encode_ordinary(text)) for text in texts)
    assert ours == pytest.approx(glms, rel=0.04)


@given(st.text(max_size=300))
def test_any_text_is_counted_as_another_implementation_of_cl100k_counts_it(text: str) -> None:
    assert COUNTER.count(text) == len(CL100K.encode_ordinary(text))


@given(st.text(st.characters(codec=None), max_size=50))
def test_halves_of_surrogate_pairs_and_words_of_control_are_plain_text(text: str) -> None:
    assert (COUNTER.count(text) == 0) == (not text)
    assert COUNTER.count(f"{text} <|endoftext|>") > 3


def test_counting_opens_no_connection_and_no_file_of_a_cache(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "def watch(event, arguments):\n"
        "    if event.startswith('socket.') or (event == 'open' and 'cache-of-tiktoken' in str(arguments[0])):\n"
        "        raise SystemExit(f'{event} {arguments}')\n"
        "sys.addaudithook(watch)\n"
        "from glmcode_engine.tokens import Counter\n"
        "print(Counter().count('def f(): return 1'))\n"
    )
    environ = {"TIKTOKEN_CACHE_DIR": str(tmp_path / "cache-of-tiktoken"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ)
    assert (done.stdout, done.stderr) == ("6\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=["<think>"])
    tokenizer.train_from_iterator(["aaaa bbbb aaaa bbbb"], trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_checkpoints_own_tokenizer_is_used_where_there_is_one(checkpoint: Path) -> None:
    counter = Counter(checkpoint)
    assert counter.vocabulary == "tokenizer.json"
    assert counter.count("aaaa bbbb") == 2
    assert counter.count("xyz") == 3
    assert counter.count("<think>") == 1
    assert counter.count("\ud800") > 0
    assert counter.count("") == 0


def test_a_checkpoint_without_a_tokenizer_is_counted_as_usual(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert counter.vocabulary == "cl100k_base"
    assert counter.count("aaaa bbbb") == COUNTER.count("aaaa bbbb")


def test_a_broken_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"version": "\x1b[31m')
    with pytest.raises(ValueError, match=r"tokenizer\.json is no tokenizer") as caught:
        Counter(tmp_path).count("x")
    assert str(caught.value).isprintable()


def test_counts_are_corrected_by_what_the_server_reports() -> None:
    counter = Counter()
    text = "word " * 1000
    for _ in range(20):
        counter.calibrate(1000, 1040)
    assert counter.factor == pytest.approx(1.04, rel=0.001)
    assert counter.expect(text) == pytest.approx(1.04 * counter.count(text), rel=0.002)


def test_one_report_moves_the_correction_only_partly() -> None:
    counter = Counter()
    counter.calibrate(1000, 1100)
    assert 1.0 < counter.factor < 1.1


@given(st.lists(st.tuples(st.integers(-10, 10**7), st.integers(-10, 10**7))))
def test_no_reports_whatever_make_the_correction_absurd(reports: list[tuple[int, int]]) -> None:
    counter = Counter()
    for estimated, reported in reports:
        counter.calibrate(estimated, reported)
    assert 0.5 <= counter.factor <= 2.0
