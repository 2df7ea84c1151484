"""The pack's budget holds in the vocabularies that others count with, over real packages."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import splintr

from glmcode.context.pack import pack

VOCABULARIES = [splintr.Tokenizer.from_pretrained(name) for name in ("cl100k_base", "o200k_base", "glm4")]
PACKAGES = {
    "asyncio": "the loop closes a subprocess transport twice",
    "json": "the decoder fails on NaN",
    "idna": "uts46 maps some codepoints to the wrong status",
    "pygments": "the lexer mistakes an operator with a unicode letter for a keyword",
}


def repository(package: str, folder: Path) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    shutil.copytree(Path(spec.origin).parent, folder, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@pytest.mark.parametrize("package", PACKAGES)
def test_a_pack_is_within_its_budget_in_every_vocabulary(package: str, tmp_path: Path) -> None:
    repo = repository(package, tmp_path / package)
    for budget in (500, 2000, 8000, 24_000):
        packed = pack(repo, PACKAGES[package], budget)
        counts = [len(vocabulary.encode_ordinary(packed.text)) for vocabulary in VOCABULARIES]
        assert max(counts) <= packed.tokens <= budget
        assert packed.tokens <= 1.3 * min(counts)
