"""The flags of `glmcode engine serve`, `status` and `stop`."""

import argparse

from glmcode.cli.subcommands import SubCommands, SubParser


def add_serving(verbs: "SubCommands[SubParser]") -> None:
    """The three verbs of the embedded server."""
    _add_serve(verbs)
    status = verbs.add_parser("status", help="how the embedded server is")
    status.add_argument("--json", action="store_true", help="one JSON object")
    stop = verbs.add_parser("stop", help="end the embedded server and all its processes")
    for verb in (status, stop):
        _add_name(verb)


def _add_serve(verbs: "SubCommands[SubParser]") -> None:
    text = "start SGLang on this machine, restart it when it dies, stop it with Ctrl-C"
    serve = verbs.add_parser(
        "serve",
        help=text,
        description=text[0].upper() + text[1:] + ". What follows -- is passed on to SGLang.",
        usage="glmcode engine serve --model-path MODEL [FLAG ...] [-- SGLANG_FLAG ...]",
    )
    model = serve.add_argument_group("model")
    model.add_argument("--model-path", metavar="MODEL", help="a checkpoint's folder, or its name: zai-org/GLM-4.6-FP8")
    model.add_argument("--served-model-name", metavar="NAME", help="default glm-4.6")
    model.add_argument("--tp", type=int, metavar="N", help="tensor-parallel size, default all GPUs")
    model.add_argument("--context-length", type=int, metavar="N", help="tokens, default what the checkpoint allows")
    model.add_argument("--mtp", action=argparse.BooleanOptionalAction, help="draft with the model's own MTP layer")
    model.add_argument("--hicache", type=int, metavar="GB", help="host memory for the prefix cache, for each rank")
    nodes = serve.add_argument_group("several machines")
    nodes.add_argument("--nodes", type=int, metavar="N", help="how many, default 1")
    nodes.add_argument("--node-rank", type=int, metavar="R", help="which one this is, from 0")
    nodes.add_argument("--dist-init-addr", metavar="HOST:PORT", help="of node 0, where all meet")
    life = serve.add_argument_group("server")
    _add_name(life)
    life.add_argument("--port", dest="engine_port", type=int, metavar="N", help="on loopback, default any free one")
    life.add_argument("--sglang-python", metavar="PYTHON", help="an interpreter that has sglang, default this one")
    life.add_argument("--detach", action="store_true", help="leave it running in the background once it is ready")
    life.add_argument("--start-timeout", type=float, metavar="SECONDS", help="until it is ready, default 1800")
    life.add_argument("--idle-stop", type=float, metavar="MINUTES", help="stop it after so long without a request")
    life.add_argument("--max-restarts", type=int, metavar="N", help="within 10 minutes, default 3")


def _add_name(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument("--name", default="default", help="for more than one server, default `default`")
