import io
import json
from pathlib import Path
from typing import Any

import pytest

from glmcode.config import ConfigError
from glmcode.headless.issue import read_issue, read_prompt


class Input:
    """Standard input as bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def issue_file(tmp_path: Path, value: Any) -> str:
    path = tmp_path / "issue"
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return str(path)


def test_a_file_a_text_and_standard_input_hold_the_issue_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_issue(issue_file(tmp_path, b"\xef\xbb\xbf\n# It breaks \xff\n")) == "# It breaks \ufffd"
    assert read_issue("text: it breaks \udcff") == "it breaks ???".replace("???", "\ufffd" * 3)
    monkeypatch.setattr("sys.stdin", Input(b"from a pipe\n"))
    assert read_issue("-") == "from a pipe"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"title": "T", "body": "B"}, "T\n\nB"),
        ({"title": "T", "body": None, "comments": 3}, "T"),
        (
            {"title": "T", "body": "B", "comments": [{"author": {"login": "ann"}, "body": "C"}, {"body": "D"}, None]},
            "T\n\nB\n\nComment by ann:\nC\n\nComment by somebody:\nD",
        ),
        (
            {
                "action": "created",
                "issue": {"title": "T", "body": "B"},
                "comment": {"user": {"login": "bob"}, "body": "C"},
            },
            "T\n\nB\n\nComment by bob:\nC",
        ),
        ({"title": "\ud83d", "body": "B"}, "\ufffd\ufffd\ufffd\n\nB"),
        ({"error": "not an issue"}, '{"error": "not an issue"}'),
        ({"issue": None}, '{"issue": null}'),
        (b"{not JSON", "{not JSON"),
        (b'{"a":' * 100_000, ('{"a":' * 100_000)),
    ],
)
def test_issue_json_becomes_title_body_and_comments_and_the_rest_stays_text(
    tmp_path: Path, value: Any, text: str
) -> None:
    assert read_issue(issue_file(tmp_path, value)) == text


def test_an_issue_has_at_most_one_mebibyte(tmp_path: Path) -> None:
    assert len(read_issue(issue_file(tmp_path, b"x" * 1024**2))) == 1024**2
    with pytest.raises(ConfigError, match="1 MiB"):
        read_issue(issue_file(tmp_path, b"x" * (1024**2 + 1)))


def test_a_missing_file_names_the_ways_to_give_an_issue(tmp_path: Path) -> None:
    for path in (str(tmp_path / "none"), "it breaks when I " + "press " * 100, str(tmp_path)):
        with pytest.raises(ConfigError, match="ISSUE is a file, - for standard input, text:"):
            read_issue(path)


@pytest.mark.parametrize("source", ["", "text:", "text: \n"])
def test_an_empty_issue_is_refused(source: str) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        read_issue(source)


def test_an_address_elsewhere_is_no_missing_file() -> None:
    with pytest.raises(ConfigError, match=r"only issues of github\.com are read by address"):
        read_issue("https://gitlab.com/owner/repo/-/issues/1")


@pytest.mark.parametrize("source", ["owner/repo#12", "https://github.com/owner/repo/issues/12?x=y"])
def test_a_reference_without_gh_and_token_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GH_TOKEN", raising=False)
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="owner/repo#12, install gh or set GITHUB_TOKEN"):
        read_issue(source)


def test_gh_is_asked_and_its_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "gh"
    program.write_text(
        "#!/bin/sh\n"
        '[ "$*" = "issue view 12 --repo owner/repo --json title,body,comments" ] || { echo "no: $*" >&2; exit 1; }\n'
        """echo '{"title": "T", "body": "B", "comments": []}'\n"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert read_issue("owner/repo#12") == "T\n\nB"
    with pytest.raises(ConfigError, match="gh could not read owner/repo#13: no: issue view 13"):
        read_issue("owner/repo#13")


def test_a_prompt_is_the_argument_or_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Input(b"from a pipe"))
    assert read_prompt("do it") == "do it"
    assert read_prompt("-") == "from a pipe"
    for nothing in (None, "", " "):
        with pytest.raises(ConfigError):
            read_prompt(nothing)
