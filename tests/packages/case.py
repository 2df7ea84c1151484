"""The real packages that are fixed in the tests: where each comes from and what is played on it."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

DATA = Path(__file__).parent

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Record(BaseModel):
    """A frozen record of a data file; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Issue(Record):
    """The report that the fix is for; its text is in issue.md."""

    address: Annotated[str, Field(pattern=r"^https://github\.com/[\w.-]+/[\w.-]+/issues/\d+$")]
    author: str
    date: str
    licence: str


class Release(Record):
    """The version that shipped the fix."""

    version: str
    sha256: Sha256
    files: Annotated[tuple[str, ...], Field(min_length=1)]
    """Source files that the played fix turns into exactly what this version ships."""


class Play(Record):
    """One script played against the package, and how `glmcode fix` has to end."""

    script: str
    flavor: Literal["zai", "sglang", "vllm"]
    exit_code: int
    verdict: Literal["verified", "unverified", "not_reproduced", "failed", "none"]
    fixed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


class PackageCase(Record):
    """One package at a version that has the bug."""

    name: str
    version: str
    sha256: Sha256
    """Of the source distribution."""
    source: str
    licence: str
    layout: str
    issue: Issue
    release: Release
    setup: tuple[str, ...]
    """Commands that make its tests runnable; empty where the interpreter is enough."""
    test_command: str | None
    least_tests: int
    """Fewer tests than this mean that the suite was not found whole; the exact number depends on the interpreter."""
    plays: Annotated[tuple[Play, ...], Field(min_length=1)]

    @property
    def folder(self) -> Path:
        return DATA / self.name

    @property
    def issue_file(self) -> Path:
        return self.folder / "issue.md"


@cache
def load_cases() -> tuple[PackageCase, ...]:
    """All packages of this folder, sorted by name."""
    files = sorted(DATA.glob("*/package.json"))
    return tuple(PackageCase.model_validate_json(file.read_text(encoding="utf-8")) for file in files)
