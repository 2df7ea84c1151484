import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from acp.exceptions import RequestError
from acp.schema import HttpMcpServer

from glmcode import paths
from glmcode.editor.acp.sessions import PAGE, on_disk
from glmcode.session import store
from glmcode_engine.base import EngineInfo
from tests.e2e.place import DONE, FIX, call, commit_all
from tests.editor.acp.editor import Agent, editing

TODO = call("todo", items=[{"content": "look"}])


def shown(agent: Agent) -> list[Any]:
    """What stays on a screen: texts with their kind, calls, plans; not what the program says of itself."""
    told: list[Any] = []
    last = ""
    for _, update in agent.editor.updates:
        kind = update.session_update
        if kind in ("tool_call", "tool_call_update", "plan"):
            told.append(update.model_dump())
        elif kind.endswith("_chunk") and not update.message_id.endswith("news"):
            if update.message_id != last:
                told.append([kind, ""])
            last = update.message_id
            told[-1][1] += update.content.text
    return [each for each in told if "playing here" not in str(each) and "without a sandbox" not in str(each)]


async def test_loading_tells_the_whole_session_again(home: Path, repo: Path) -> None:
    answers = [{"reasoning": "hm", "content": "I mend it.", **FIX}, TODO, call("read", path="calc.py"), DONE]
    async with editing(home, repo, answers) as agent:
        session = await agent.begin()
        await agent.prompt(session, "make add add")
        live = shown(agent)
    async with editing(home, repo, [{"content": "and on"}]) as agent:
        loaded = await agent.connection.load_session(str(repo), session, mcp_servers=[])
        assert shown(agent) == [["user_message_chunk", "make add add"], *live]
        assert loaded.modes and loaded.config_options
        agent.editor.updates.clear()
        await agent.prompt(session, "go on")
        assert agent.editor.text().endswith("and on")
        agent.editor.updates.clear()
        await agent.connection.load_session(str(repo), session, mcp_servers=[])
        assert agent.editor.text("user_message_chunk") == "make add addgo on"


async def test_resuming_goes_on_and_tells_nothing_again(home: Path, repo: Path) -> None:
    async with editing(home, repo, [DONE]) as agent:
        session = await agent.begin()
        await agent.prompt(session, "remember 7")
    async with editing(home, repo, [{"content": "7"}]) as agent:
        await agent.connection.resume_session(session, str(repo))
        await agent.editor.until("available_commands_update")
        assert agent.editor.text("user_message_chunk") == ""
        await agent.prompt(session, "which?")
        listed = await agent.connection.list_sessions(cwd=str(repo))
    assert [(each.session_id, each.title) for each in listed.sessions] == [(session, "remember 7")]


async def test_a_fork_has_the_past_and_a_future_of_its_own(home: Path, repo: Path) -> None:
    async with editing(home, repo, [DONE, {"content": "one way"}]) as agent:
        session = await agent.begin()
        await agent.prompt(session, "begin")
        forked = (await agent.connection.fork_session(session, str(repo))).session_id
        await agent.prompt(session, "go on")
        agent.editor.updates.clear()
        await agent.connection.load_session(str(repo), forked, mcp_servers=[])
        assert forked != session and agent.editor.text() == "All done."
        await agent.prompt(forked, "another way")
        assert len((await agent.connection.list_sessions()).sessions) == 2


def test_lists_come_in_pages(own_home: Path) -> None:
    engine = EngineInfo(kind="scripted", model="m")
    for number in range(PAGE + 10):
        title = f"{number}\x1b[2J"
        with store.create(paths.sessions_dir(), repo=own_home, version="1", engine=engine, first_prompt=title):
            pass
    first = on_disk(None, None)
    second = on_disk(None, first.next_cursor)
    assert (len(first.sessions), len(second.sessions), second.next_cursor) == (PAGE, 10, None)
    assert len({each.session_id for each in (*first.sessions, *second.sessions)}) == PAGE + 10
    assert {each.cwd for each in first.sessions} == {str(own_home)}
    assert "\x1b" not in "".join(each.title or "" for each in first.sessions)


async def test_lists_are_by_repository(home: Path, repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a").touch()
    commit_all(other)
    (repo / "deep").mkdir()
    async with editing(home, repo, [DONE]) as agent:
        here = [await agent.begin() for _ in range(2)]
        there = await agent.begin(other)
        assert (await agent.connection.list_sessions()).sessions == []
        for session in (*here, there):
            await agent.prompt(session, "hi")
        listed = await agent.connection.list_sessions(cwd=str(repo / "deep"))
        assert {each.session_id for each in listed.sessions} == set(here)
        assert {each.cwd for each in listed.sessions} == {str(repo)}
        assert (await agent.connection.list_sessions(cwd=str(tmp_path))).sessions == []


async def test_closing_ends_a_session_and_what_runs_in_it(home: Path, repo: Path) -> None:
    async with editing(home, repo, [call("shell", command="echo $$ > pid; echo ready; sleep 300"), DONE]) as agent:
        session = await agent.begin()
        task = asyncio.create_task(agent.prompt(session, "wait"))
        await agent.editor.until("tool_call")
        await agent.editor.until("tool_call_update", "ready")
        await agent.connection.close_session(session)
        assert not Path(f"/proc/{(repo / 'pid').read_text().strip()}").exists()
        assert (await task).stop_reason == "cancelled"
        with pytest.raises(RequestError, match="not open here") as caught:
            await agent.prompt(session, "more")
        assert caught.value.code == -32002


@pytest.mark.parametrize(
    ("cwd", "session", "code", "said"),
    [
        ("{repo}", "20200101-000000-abcdef", -32002, "no session"),
        ("{repo}", "../../etc/passwd", -32002, "not a session id"),
        ("relative", None, -32602, "absolute"),
        ("/tmp/\0x", None, -32602, "no path"),
        ("/" + "a" * 5_000, None, -32602, "no path"),
        ("{home}", None, -32602, "no git repository"),
    ],
)
async def test_what_cannot_be_opened_is_a_clear_error(
    home: Path, repo: Path, cwd: str, session: str | None, code: int, said: str
) -> None:
    folder = cwd.format(repo=repo, home=home)
    async with editing(home, repo, [DONE]) as agent:
        with pytest.raises(RequestError, match=said) as caught:
            if session is None:
                await agent.connection.new_session(folder, mcp_servers=[])
            else:
                await agent.connection.load_session(folder, session, mcp_servers=[])
    assert caught.value.code == code


async def test_a_session_of_another_repository_is_not_loaded_here(home: Path, repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a").touch()
    commit_all(other)
    async with editing(home, repo, [DONE]) as agent:
        session = await agent.begin(other)
        await agent.prompt(session, "hi")
        await agent.connection.close_session(session)
        with pytest.raises(RequestError, match="belongs to"):
            await agent.connection.load_session(str(repo), session, mcp_servers=[])


async def test_what_is_not_used_is_told_once(home: Path, repo: Path) -> None:
    server = HttpMcpServer(type="http", name="search", url="http://127.0.0.1:9/", headers=[])
    async with editing(home, repo, [DONE, DONE]) as agent:
        opened = await agent.connection.new_session(
            str(repo), additional_directories=[os.sep + "elsewhere"], mcp_servers=[server]
        )
        await agent.prompt(opened.session_id, "hi")
        await agent.prompt(opened.session_id, "hi")
    thoughts = agent.editor.text("agent_thought_chunk")
    assert thoughts.count("MCP servers are not used by glmcode and are left out: search") == 1
    assert thoughts.count("these folders are left out: /elsewhere") == 1


async def test_without_a_key_the_editor_is_asked_to_authenticate(home: Path, repo: Path) -> None:
    async with editing(home, repo, [], engine=[]) as agent:
        (method,) = (await agent.connection.initialize(1)).auth_methods or []
        assert method.id == "api-key" and "GLMCODE_API_KEY" in (method.description or "")
        with pytest.raises(RequestError, match="no API key") as caught:
            await agent.new()
        with pytest.raises(RequestError, match="no API key") as again:
            await agent.connection.authenticate("api-key")
        assert caught.value.code == again.value.code == -32000
    async with editing(home, repo, [], engine=["--offline"], variables={"ZAI_API_KEY": "k"}) as agent:
        await agent.connection.authenticate("api-key")
        with pytest.raises(RequestError, match="no way 'oauth'"):
            await agent.connection.authenticate("oauth")
        opened = await agent.new()
        model = next(each for each in opened.config_options or [] if each.id == "model")
        assert model.current_value == "zai" and {each.value for each in model.options} == {"zai", "zai-coding"}
        changed = await agent.connection.set_config_option("model", opened.session_id, "zai-coding")
        assert "zai-coding" in [each.current_value for each in changed.config_options]
        with pytest.raises(RequestError, match="cannot be 'openrouter'"):
            await agent.connection.set_config_option("model", opened.session_id, "openrouter")


async def test_offline_of_a_repository_holds_or_is_refused(home: Path, repo: Path) -> None:
    (repo / ".glmcode").mkdir()
    (repo / ".glmcode/config.toml").write_text("offline = true\n")
    async with editing(home, repo, [DONE], "--yes") as agent:
        with pytest.raises(RequestError, match="start glmcode with --offline") as caught:
            await agent.new()
        assert caught.value.code == -32602
    async with editing(home, repo, [DONE], "--yes", "--offline") as agent:
        assert (await agent.prompt(await agent.begin(), "hi")).stop_reason == "end_turn"
