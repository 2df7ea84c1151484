"""The command line of `glmcode airgap`."""

from pathlib import Path

from glmcode.cli.subcommands import SubCommands, SubParser


def add_airgap(commands: "SubCommands[SubParser]") -> None:
    """`glmcode airgap` with all its verbs."""
    airgap = commands.add_parser("airgap", help="to a machine without a network, in one archive")
    verbs = airgap.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=SubParser)
    pack = verbs.add_parser("pack", help="put glmcode, what it depends on and the sandbox image into one archive")
    pack.add_argument("--out", type=Path, required=True, metavar="FILE", help="the archive to write")
    image = pack.add_mutually_exclusive_group()
    image.add_argument("--image", metavar="NAME", help="the sandbox image (default: the default one)")
    image.add_argument("--no-image", action="store_true", help="without a sandbox image")
    pack.add_argument("--python", metavar="X.Y", help="the Python of the other machine (default: this one's)")
    install = verbs.add_parser("install", help="install an archive, without a network; its install.py does the same")
    install.add_argument("archive", type=Path, metavar="FILE", help="what airgap pack wrote")
    install.add_argument("--into", type=Path, required=True, metavar="DIR", help="a new folder for it")
    install.add_argument("--sha256", metavar="HEX", help="of the archive, as airgap pack told it")
    install.add_argument("--no-image", action="store_true", help="leave the sandbox image out")
    check = verbs.add_parser("check", help="prove that all is there and the demo runs without a network")
    check.add_argument("--json", action="store_true", help="one JSON object")
    check.add_argument("--no-demo", action="store_true", help="leave the demo out")
    check.add_argument("--sandbox", choices=("docker", "bwrap", "none"), help="default docker")
    check.add_argument("--base-url", metavar="URL", help="also ask this engine whether it answers")
