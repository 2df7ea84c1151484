import base64
import hashlib
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import glmcode_engine
from glmcode_engine.ranks import cl100k, load_ranks

ROOT = Path(__file__).parents[2]
SHIPPED = Path(glmcode_engine.__file__).parent / "vocabulary" / "cl100k_base.ranks"


@pytest.fixture
def recipe() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pack_ranks", ROOT / "engine" / "recipes" / "pack_ranks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def published(ranks: dict[bytes, int]) -> bytes:
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ranks.items())


def test_the_shipped_file_is_the_published_one_in_another_form(recipe: ModuleType) -> None:
    text = published(load_ranks(SHIPPED.read_bytes()))
    digest = hashlib.sha256(text).hexdigest()
    assert digest == recipe.CL100K_SHA256
    assert digest in (SHIPPED.parent / "NOTICE").read_text()


def test_the_shipped_file_is_the_one_that_was_checked_in() -> None:
    assert hashlib.sha256(SHIPPED.read_bytes()).hexdigest() == (
        "1b57c7f611a970e92cfb0d6b24bba94d62b107e2fdeb89a0ef76f248e6169b88"
    )


def test_tiktoken_expects_the_same_file_and_pattern(recipe: ModuleType) -> None:
    spec = importlib.util.find_spec("tiktoken_ext.openai_public")
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).read_text()
    section = source[source.index("def cl100k_base") : source.index("def o200k_base")]
    assert recipe.CL100K_SHA256 in section
    assert cl100k()._pat_str in section


def test_packing_and_loading_are_inverse(recipe: ModuleType) -> None:
    ranks = {b"a": 0, b"\x00\n": 1, b" b": 2, bytes(range(128)): 3}
    assert load_ranks(recipe.packed(published(ranks))) == ranks


def test_ranks_with_gaps_are_refused(recipe: ModuleType) -> None:
    with pytest.raises(ValueError, match="gaps"):
        recipe.packed(published({b"a": 0, b"b": 2}))
