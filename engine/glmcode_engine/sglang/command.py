"""Writes the command line that starts SGLang for a GLM-4 checkpoint, in the words of the installed version."""

import re
import shlex
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from glmcode_engine.messages import Value

Positive = Annotated[int, Field(ge=1)]
Release = tuple[int, int, int]

# Read from the published wheels: the first release whose package has the thing, the one before it has not.
GLM_TOOL_PARSER: Release = (0, 5, 4)
"""`glm` is a tool parser and `glm45` warns (function_call_parser.py, server_args.py); 0.5.3 has `glm45` alone."""
SERVE_COMMAND: Release = (0, 5, 5)
"""`sglang serve` is an entry point (sglang/cli/main.py); 0.5.4 has `python -m sglang.launch_server` alone."""
AUTO_PARSERS: Release = (0, 5, 12)
"""Both parser flags take `auto`, read from the chat template (template_detection.py); 0.5.11 refuses it."""

_VERSION = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?P<rest>[^+]*)", re.ASCII)
_PRE_RELEASE = re.compile(r"[-_.]?(?:a|b|rc|dev|alpha|beta|pre)", re.ASCII)
_CLI = "import sys; from sglang.cli.main import main; sys.exit(main())"


class ServeSpec(Value):
    """One SGLang server, or one node's part of it. The key is no part of it: every user of a machine can read argv."""

    model: str = Field(min_length=1)
    """A folder with the checkpoint, or its name at Hugging Face."""
    served_name: str = "glm-4.6"
    tp: Positive = 1
    """Tensor-parallel size. GPUs of all nodes together: `tp` x `pp`."""
    pp: Positive = 1
    """Pipeline stages, for more GPUs than tensor parallelism can use."""
    nodes: Positive = 1
    node_rank: Annotated[int, Field(ge=0)] = 0
    dist_init_addr: str | None = None
    """HOST:PORT of node 0, where all nodes meet; needed as soon as there are two."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 30000
    context_length: Positive | None = None
    """Tokens; None leaves it to the checkpoint."""
    mtp: bool = False
    """Draft with the checkpoint's own MTP layer: faster answers for some memory."""
    hierarchical_cache_gb: Positive | None = None
    """Host memory for the prefix cache in GB (10^9 bytes) for each rank: a machine with N GPUs needs N times as much.

    SGLang takes whole gigabytes (mem_cache/pool_host/base.py, one pool per rank); older releases refuse a pool that is
    smaller than the one on the GPU.
    """
    metrics: bool = True
    thinking_budget: bool = False
    """Take logit processors, which limit thinking, from requests. They are pickled code: only for trusted clients."""
    extra: tuple[str, ...] = ()
    """Further flags; they come last, so they win over the ones from here."""


def serve_command(spec: ServeSpec, version: str | None, interpreter: str | None = None) -> tuple[str, ...]:
    """The argv that starts this server with SGLang of this version ("0.5.23"; None or unreadable: the oldest names).

    Without an interpreter its first word is `sglang` or `python`, as one types it; with one, the command starts in
    that interpreter and needs no PATH. Every flag is known to all releases since 0.4.9. Raises ValueError where several
    nodes have no address to meet at, or the rank is none of theirs.
    """
    release = release_of(version)
    flags = [
        *_program(release, interpreter),
        *("--model-path", spec.model),
        *("--served-model-name", spec.served_name),
        *("--host", spec.host, "--port", str(spec.port)),
        *("--tp-size", str(spec.tp)),
        *(("--pp-size", str(spec.pp)) if spec.pp > 1 else ()),
        *_nodes(spec),
        *_parsers(release),
        "--enable-cache-report",
    ]
    if spec.context_length:
        flags += ["--context-length", str(spec.context_length)]
    if spec.metrics:
        flags.append("--enable-metrics")
    if spec.thinking_budget:
        flags.append("--enable-custom-logit-processor")
    if spec.mtp:
        # The depth that the model's README was measured with: github.com/zai-org/GLM-4.5, "System Requirements".
        flags += ["--speculative-algorithm", "EAGLE", "--speculative-num-steps", "3"]
        flags += ["--speculative-eagle-topk", "1", "--speculative-num-draft-tokens", "4"]
    if spec.hierarchical_cache_gb:
        # docs.sglang.io/advanced_features/hicache_best_practices.html
        flags += ["--enable-hierarchical-cache", "--hicache-size", str(spec.hierarchical_cache_gb)]
        flags += ["--hicache-write-policy", "write_through", "--page-size", "64"]
    return (*flags, *spec.extra)


def shell_pieces(argv: Sequence[str]) -> list[str]:
    """The argv quoted for a shell, in pieces to cut a long line at: the program, then each flag with its values."""
    pieces: list[list[str]] = [[]]
    for word in argv:
        if word.startswith("--") and pieces[-1]:
            pieces.append([])
        pieces[-1].append(word)
    return [shlex.join(piece) for piece in pieces]


def release_of(version: str | None) -> Release | None:
    """(major, minor, micro) of a version; a pre-release counts as what came before it. None: not known."""
    found = _VERSION.match(version.strip()) if version else None
    if not found:
        return None
    major, minor, micro = (int(part or 0) for part in found.group(1, 2, 3))
    return (major, minor, micro - 1 if _PRE_RELEASE.match(found["rest"]) else micro)


def _program(release: Release | None, interpreter: str | None) -> tuple[str, ...]:
    if release is None or release < SERVE_COMMAND:
        return (interpreter or "python", "-m", "sglang.launch_server")
    # sglang.cli.main does nothing under `python -m`, hence -c.
    return (interpreter, "-c", _CLI, "serve") if interpreter else ("sglang", "serve")


def _nodes(spec: ServeSpec) -> tuple[str, ...]:
    """docs.sglang.io/references/multi_node_deployment/multi_node.html: the same line on each node but for its rank."""
    if spec.node_rank >= spec.nodes:
        raise ValueError(f"node rank {spec.node_rank} does not exist: {spec.nodes} nodes count from 0")
    if spec.nodes == 1:
        return ()
    if not spec.dist_init_addr:
        raise ValueError(f"{spec.nodes} nodes need the address where they meet: HOST:PORT of node 0")
    rank = ("--nnodes", str(spec.nodes), "--node-rank", str(spec.node_rank))
    return (*rank, "--dist-init-addr", spec.dist_init_addr)


def _parsers(release: Release | None) -> tuple[str, ...]:
    tool, reasoning = "glm45", "glm45"
    if release and release >= GLM_TOOL_PARSER:
        tool = "glm"
    if release and release >= AUTO_PARSERS:
        tool, reasoning = "auto", "auto"
    return ("--tool-call-parser", tool, "--reasoning-parser", reasoning)
