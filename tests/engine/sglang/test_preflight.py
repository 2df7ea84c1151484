import socket
import subprocess
import sys
from pathlib import Path

import pytest

from glmcode_engine.sglang import processes
from glmcode_engine.sglang.launch import server_environment
from glmcode_engine.sglang.preflight import ServeError, cached, check_flags, check_model, find_sglang, free_port
from glmcode_engine.sglang.probe import parse_metrics
from glmcode_engine.sglang.processes import ProcessMark
from glmcode_engine.sglang.record import Place
from tests.engine.sglang.installation import checkpoint, install


async def test_the_version_is_asked_of_the_given_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServeError, match=r"has no sglang: pip install 'glmcode\[sglang\]', or pass --sglang-python"):
        await find_sglang(sys.executable)
    monkeypatch.setenv("PYTHONPATH", str(install(tmp_path, version="0.6.1")))
    assert (await find_sglang(sys.executable)).version == "0.6.1"
    with pytest.raises(ServeError, match="no such program"):
        await find_sglang("/nowhere/python")


async def test_without_an_interpreter_this_one_must_have_sglang() -> None:
    with pytest.raises(ServeError, match="SGLang is not installed here: pip install"):
        await find_sglang(None)


async def test_a_version_that_shows_its_key_to_all_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(install(tmp_path, version="0.4.9", reads_config=False)))
    with pytest.raises(ServeError, match=r"SGLang 0\.4\.9 takes its key only where all can read it"):
        await find_sglang(sys.executable)


def test_a_model_is_a_folder_with_a_config_or_a_name_that_can_be_had(tmp_path: Path) -> None:
    assert check_model(str(checkpoint(tmp_path)), {}) == str(tmp_path / "model")
    assert check_model("zai-org/GLM-4.6-FP8", {}) == "zai-org/GLM-4.6-FP8"
    for wrong, why in ((str(tmp_path), "no config.json"), ("/nowhere", "no such folder"), ("a/b/c", "no such folder")):
        with pytest.raises(ServeError, match=why):
            check_model(wrong, {})
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    with pytest.raises(ServeError, match="not in the Hugging Face cache"):
        check_model("zai-org/GLM-4.6", offline)
    snapshot = tmp_path / "hub/models--zai-org--GLM-4.6/snapshots/1"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").touch()
    assert cached("zai-org/GLM-4.6", offline) and check_model("zai-org/GLM-4.6", offline) == "zai-org/GLM-4.6"


def test_a_taken_port_is_refused_and_zero_finds_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ServeError, match=r"port \d+ is taken .*choose another with --port"):
            free_port(taken.getsockname()[1])
    assert free_port(0) > 0


@pytest.mark.parametrize("flag", ["--api-key", "--api-key=x", "--host", "--config", "--port=1", "--admin_api_key"])
def test_flags_that_would_open_the_server_are_refused(flag: str) -> None:
    check_flags(["--mem-fraction-static", "0.8"])
    with pytest.raises(ServeError, match="listens on loopback with a key of its own"):
        check_flags([flag])


def test_the_server_gets_the_environment_without_keys() -> None:
    given = {
        "PATH": "/bin", "CUDA_VISIBLE_DEVICES": "0", "PYTHONPATH": "/x", "HF_TOKEN": "h", "SGLANG_USE_CPU_ENGINE": "1",
        "GLMCODE_MODEL": "m", "ZAI_API_KEY": "z", "OPENAI_API_KEY": "o", "GITHUB_TOKEN": "g", "DB_PASSWORD": "p",
    }  # fmt: skip
    assert set(server_environment(given)) == {
        "PATH", "CUDA_VISIBLE_DEVICES", "PYTHONPATH", "HF_TOKEN", "SGLANG_USE_CPU_ENGINE", "PYTHONUNBUFFERED",
    }  # fmt: skip


def test_a_recycled_pid_is_another_process() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as child:
        mark = processes.mark(child.pid)
        earlier = ProcessMark(pid=child.pid, started="1.another-boot")
        assert mark.is_alive() and not earlier.is_alive()
        assert not earlier.send(9) and child.poll() is None
        assert processes.session_of(earlier) == [] and processes.session_of(mark) == [mark]
        assert processes.end_session(earlier, 0.1) and child.poll() is None
        assert processes.end_session(mark, 5.0)
    assert not mark.is_alive() and processes.session_of(ProcessMark(pid=0, started="gone")) == []


def test_who_supervises_and_who_uses_is_held_by_the_kernel(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.prepare()
    with place.supervised() as first, place.supervised() as second:
        assert (first, second) == (True, False)
    with place.used(), place.used(), place.unused() as alone:
        assert not alone
    with place.unused() as alone, place.supervised() as free:
        assert alone and free


@pytest.mark.parametrize("name", ["", "../x", "a/b", "x" * 41, "-x", "a.b"])
def test_a_name_is_a_plain_word(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--name takes up to 40"):
        Place(tmp_path, name)


def test_a_record_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.file("json").write_text('{"v": 7}')
    assert place.read() is None
    key = place.make_key()
    assert place.key() == key and len(key) >= 32 and place.key_file.stat().st_mode & 0o077 == 0
    place.remove()
    assert place.key() is None and list(tmp_path.iterdir()) == []


def test_figures_are_summed_over_replicas_and_not_over_ranks() -> None:
    text = """\
# HELP sglang:num_running_reqs x
sglang:num_running_reqs{dp_rank="0",tp_rank="0"} 1.0
sglang:num_running_reqs{dp_rank="1",tp_rank="0"} 2.0
sglang:num_running_reqs{dp_rank="0",tp_rank="3"} 1.0
sglang:cache_hit_rate NaN
other 5
"""
    assert parse_metrics(text) == {"num_running_reqs": 3.0}
