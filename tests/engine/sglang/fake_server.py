"""A stand-in for `sglang serve` that starts at once: its flags, its log, its routes, its processes.

What it does beyond that is told by FAKE_SGLANG, words separated by blanks: `oom` and `repo` die at the start as the
real one does, `slow` never gets ready, `stubborn` ignores SIGTERM in all its processes, `away` puts its child into a
session of its own, `once:FILE` dies at the start where FILE exists.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODES = dict(word.partition(":")[::2] for word in os.environ.get("FAKE_SGLANG", "").split())
OOM = """\
[2026-01-01 00:00:04 TP0] Scheduler hit an exception: Traceback (most recent call last):
  File "scheduler.py", line 1, in run_scheduler_process
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 48.00 MiB. GPU 1 has a total capacity of 139.81 GiB
[2026-01-01 00:00:04] Received sigquit from a child process. It usually means the child failed."""
REPO = """\
huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/no'."""
STARTING = """\
[2026-01-01 00:00:01 TP0] Load weight begin. avail mem=78.38 GB
Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:00<00:00,  2.32it/s]\r\
Loading safetensors checkpoint shards: 100% Completed | 2/2 [00:00<00:00,  2.32it/s]
[2026-01-01 00:00:02 TP0] KV Cache is allocated. #tokens: 192896, K size: 8.84 GB, V size: 8.84 GB
[2026-01-01 00:00:03 TP0] Capture cuda graph begin. This can take up to several minutes. avail mem=11.91 GB"""
FIGURES = """\
sglang:prompt_tokens_total{engine_type="unified"} ASKED
sglang:num_running_reqs{tp_rank="0"} 0.0
sglang:num_running_reqs{tp_rank="1"} 9.0
sglang:cache_hit_rate{tp_rank="0"} 0.75
sglang:gen_throughput{tp_rank="0"} 12.5
"""
FIRED = "[2026-01-01 00:00:05] The server is fired up and ready to roll!"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class State:
    key = ""
    ready = False
    asked = 0
    child = 0


class Routes(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        match self.path:
            case "/health":
                self.answer(200 if State.ready else 503)
            case "/metrics":
                self.answer(200, FIGURES.replace("ASKED", str(State.asked)))
            case _ if self.headers["Authorization"] != f"Bearer {State.key}":
                self.answer(401)
            case "/v1/models":
                self.answer(200, json.dumps({"data": [{"id": "glm-4.6", "max_model_len": 4096}]}))
            case "/ask":
                State.asked += 7
                self.answer(200)
            case "/die":
                say(
                    "[2026-01-01 00:00:09] Subprocess scheduler_0 (pid=7) crashed with exit code -9. Triggering SIGQUIT"
                )
                os._exit(1)
            case _:
                self.answer(404)

    def answer(self, status: int, text: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def child_program() -> list[str]:
    stubborn = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if "stubborn" in MODES else ""
    return [sys.executable, "-c", f"import signal, time; {stubborn}print('child', flush=True); time.sleep(600)"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="sglang serve")
    for flag in ("--model-path", "--config", "--host"):
        parser.add_argument(flag, required=True)
    parser.add_argument("--port", type=int, required=True)
    options, _ = parser.parse_known_args(sys.argv[2:])
    settings = Path(options.config)
    assert settings.suffix == ".yaml" and settings.stat().st_mode & 0o077 == 0
    State.key = json.loads(settings.read_text())["api-key"]
    say(f"[2026-01-01 00:00:00] server_args={{'model_path': {options.model_path!r}, 'api_key': '{State.key}'}}")
    say("[2026-01-01 00:00:00] env " + json.dumps(sorted(os.environ)))
    with subprocess.Popen(child_program(), start_new_session="away" in MODES, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        serve(options.host, options.port)


def serve(host: str, port: int) -> None:
    if "stubborn" in MODES:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "oom" in MODES or Path(MODES.get("once", "/nonexistent")).exists():
        say(OOM)
        os._exit(137)
    if "repo" in MODES:
        say(REPO)
        os._exit(1)
    say(STARTING)
    server = ThreadingHTTPServer((host, port), Routes)
    if "slow" not in MODES:
        threading.Thread(target=fire, daemon=True).start()
    server.serve_forever()


def fire() -> None:
    time.sleep(0.3)
    State.ready = True
    say(FIRED)


if __name__ == "__main__":
    main()
