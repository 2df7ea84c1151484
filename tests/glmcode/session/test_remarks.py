import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from glmcode.cli.session_replay import run_replay
from glmcode.events import VerdictReached
from glmcode.session import store
from glmcode.session.export import exported
from glmcode.session.replaying import replayed
from glmcode_engine.base import EngineInfo
from glmcode_engine.messages import Message

VERIFIED = VerdictReached(verdict="verified", reason="1 test failed <before>", fixed=("t::a",), passed=4)
RESULT: dict[str, Any] = {
    "kind": "result",
    "v": 1,
    "verdict": "failed",
    "reason": "it broke",
    "tests": {"fixed": [], "broken": ["t::b"], "after": {"passed": 3}},
}


def session_with(root: Path, *records: dict[str, Any]) -> Path:
    info = EngineInfo(kind="scripted", model="m")
    with store.create(root, repo=root, version="1", engine=info, first_prompt="fix it") as session:
        session.append_message(Message(role="user", content="fix it"))
        session.append_message(Message(role="assistant", content="fixed"))
        session.append_event(VERIFIED)
        with (session.folder / store.FILE_NAME).open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        return session.folder / store.FILE_NAME


def test_a_verdict_comes_back_with_the_session_and_so_does_that_of_a_headless_run(tmp_path: Path) -> None:
    path = session_with(tmp_path, RESULT)
    broken = VerdictReached(verdict="failed", reason="it broke", broken=("t::b",), passed=3)
    assert [event for event in replayed(path) if event.kind == "verdict"] == [VERIFIED, broken]
    assert store.read_whole(path)[1].remarks == [(2, VERIFIED), (2, broken)]


def test_a_run_that_verified_nothing_has_no_verdict(tmp_path: Path) -> None:
    path = session_with(tmp_path, {**RESULT, "verdict": "none"}, {"kind": "result", "v": 1})
    assert [event for event in replayed(path) if event.kind == "verdict"] == [VERIFIED]


def test_every_form_of_an_export_tells_the_verdict_where_it_was_given(tmp_path: Path) -> None:
    header, conversation = store.read_whole(session_with(tmp_path))
    texts = {
        form: exported(form, header, conversation.said, conversation.remarks) for form in (".md", ".html", ".json")
    }
    line = "Verdict: verified (1 fixed, 4 passed); 1 test failed <before>."
    assert texts[".md"].index("fixed") < texts[".md"].index(f"*{line}*")
    assert "Verdict: verified (1 fixed, 4 passed); 1 test failed &lt;before&gt;." in texts[".html"]
    (place,) = json.loads(texts[".json"])["verdicts"]
    assert (place["after_messages"], place["fixed"]) == (2, ["t::a"])


def test_a_replay_says_the_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_replay(session_with(tmp_path), argparse.Namespace(output="text")) == 0
    assert "glmcode: verdict verified: 1 test failed <before>" in capsys.readouterr().err
