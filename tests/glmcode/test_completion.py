import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmcode.cli.completion import Shell, completion_script
from glmcode.cli.shells.tree import read_tree

SHELLS: tuple[Shell, ...] = ("bash", "zsh", "fish", "powershell")
TRICKY = 'it\'s `touch pwned` $(touch pwned) "x" \\ : ; | & \x1b[31m 100%% é'


def shop(prog: str = "shop") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("--version", action="store_true", help=TRICKY)
    commands = parser.add_subparsers()
    sell = commands.add_parser("sell", help=TRICKY)
    sell.add_argument("--colour", "-c", choices=["red", "green", "grey"], help="how it looks")
    sell.add_argument("--price", metavar="EUR")
    sell.add_argument("--gift", action="store_true")
    sell.add_argument("--resume", nargs="?")
    sell.add_argument("--to", metavar="DIR")
    sell.add_argument("--secret", help=argparse.SUPPRESS)
    sell.add_argument("list", type=Path)
    stock = commands.add_parser("stock", help="what is there")
    verbs = stock.add_subparsers()
    count = verbs.add_parser("count")
    count.add_argument("unit", choices=["pieces", "boxes"])
    verbs.add_parser("check").add_argument("--deep", action="store_true")
    return parser


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list one.txt").write_text("x")
    (tmp_path / "lamps").mkdir()
    return tmp_path


def bash(folder: Path, line: str, parser: argparse.ArgumentParser | None = None) -> list[str]:
    (folder / ".script").write_text(completion_script("bash", parser or shop()))
    # Words as readline cuts them: `=` is a word of its own.
    words = [piece for word in line.split(" ") for piece in re.split("(=)", word) if piece or "=" not in word]
    code = (
        'source .script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shop; '
        '[[ ${#COMPREPLY[@]} -gt 0 ]] && printf "%s\\n" "${COMPREPLY[@]}"; exit 0'
    )
    return sorted(run(folder, "bash", "--norc", "-c", code, "bash", *words).splitlines())


def fish(folder: Path, line: str) -> list[str]:
    (folder / ".script").write_text(completion_script("fish", shop()))
    output = run(folder, "fish", "--no-config", "-c", 'source .script; complete -C "$argv[1]"', line)
    return sorted(offer.split("\t")[0] for offer in output.splitlines())


def zsh(folder: Path, line: str) -> list[str]:
    """What zsh itself offers for a line typed into a real terminal."""
    (folder / ".script").write_text(completion_script("zsh", shop()))
    (folder / ".zshrc").write_text(ZSH_SETUP)
    run(folder, sys.executable, "-c", ZSH_DRIVER, line)
    hits = folder / ".hits"
    text = hits.read_text() if hits.exists() else ""
    # File names come as they are and as they would be inserted.
    return sorted({offer.replace("\\ ", " ") for offer in text.splitlines()} - {""})


ZSH_SETUP = r"""
PS1=
unsetopt prompt_cr
autoload -Uz compinit && compinit -D -u
source .script
# What the completion system is given to offer is also kept in a file.
compadd () {
    local -a hits
    builtin compadd -O hits "$@"
    print -r -l -- $hits >> .hits
    builtin compadd "$@"
}
print READY
"""
ZSH_DRIVER = r"""
import os, pty, select, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvpe("zsh", ["zsh", "-i"], {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": ".", "ZDOTDIR": "."})

def until(mark):
    text, end = "", time.monotonic() + 20
    while mark not in text:
        assert time.monotonic() < end, text
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 65536).decode("utf-8", "replace")

until("READY")
os.write(terminal, sys.argv[1].encode() + b"\t")
time.sleep(0.2)
os.write(terminal, b"\x15print DO''NE\n")
until("DONE")
os.write(terminal, b"exit\n")
os.close(terminal)
os.waitpid(pid, 0)
"""


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


CASES = [
    ("shop ", ["sell", "stock"]),
    ("shop se", ["sell"]),
    ("shop --v", ["--version"]),
    ("shop sell --g", ["--gift"]),
    ("shop sell --colour gr", ["green", "grey"]),
    ("shop sell -c gr", ["green", "grey"]),
    ("shop sell --colour=gr", ["green", "grey"]),
    ("shop sell --price stock --colour r", ["red"]),
    ("shop sell --price ", []),
    ("shop sell --secr", []),
    ("shop sell l", ["lamps", "list one.txt"]),
    ("shop sell --to l", ["lamps"]),
    ("shop stock ", ["check", "count"]),
    ("shop stock count ", ["boxes", "pieces"]),
    ("shop stock check --", ["--deep", "--help"]),
    ("shop --version stock che", ["check"]),
]


@pytest.mark.parametrize(("line", "offers"), CASES)
def test_bash_offers(folder: Path, line: str, offers: list[str]) -> None:
    assert bash(folder, line) == offers


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize(("line", "offers"), CASES)
def test_fish_offers(folder: Path, line: str, offers: list[str]) -> None:
    found = [offer.rpartition("=")[2].rstrip("/") for offer in fish(folder, line)]
    assert found == offers


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
@pytest.mark.parametrize(
    ("line", "offers"), [CASES[0], CASES[2], CASES[4], CASES[6], CASES[7], CASES[10], CASES[11], CASES[13]]
)
def test_zsh_offers(folder: Path, line: str, offers: list[str]) -> None:
    assert zsh(folder, line) == offers


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_help_and_names_are_never_run(folder: Path, shell: Shell) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (folder / "script").write_text(completion_script(shell, shop()))
    run(folder, shell, *([] if shell != "zsh" else ["-f"]), "-c", "source ./script")
    bash(folder, "shop ")
    assert not (folder / "pwned").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@settings(max_examples=12, deadline=None)
@given(text=st.text(alphabet="'\"\\$`(){}[]|;&<>*?~#! \n\t:a%", max_size=12))
def test_any_help_gives_a_script_that_parses(shell: Shell, text: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    parser = argparse.ArgumentParser(prog="shop")
    parser.add_argument("--a", help=text)
    parser.add_subparsers().add_parser("b", help=text).add_argument("c", choices=["x", text])
    done = subprocess.run(
        [shell, "-n"], input=completion_script(shell, parser), text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_powershell_has_every_word_in_balanced_quotes() -> None:
    script = completion_script("powershell", shop())
    for word in ("sell", "stock", "count", "boxes", "--colour", "-c", "--deep"):
        assert f"'{word}\t" in script
    assert "$steps['stock|count'] = 'stock count'" in script
    assert "$values['sell|--colour'] = @('red\tred', 'green\tgreen', 'grey\tgrey')" in script
    assert "it''s `touch pwned`" in script
    code = re.sub(r"'(?:[^']|'')*'", "", "\n".join(line for line in script.splitlines() if not line.startswith("#")))
    assert "'" not in code
    assert "pwned" not in code
    for opening, closing in ("()", "{}", "[]"):
        assert code.count(opening) == code.count(closing)


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_hold_no_control_characters_and_no_hidden_flags(shell: Shell) -> None:
    script = completion_script(shell, shop())
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", script)
    assert "--secret" not in script
    assert script == completion_script(shell, shop())


def test_names_that_are_no_plain_words_are_left_out() -> None:
    parser = argparse.ArgumentParser(prog="shop")
    commands = parser.add_subparsers()
    for name in ("good", "b;ad", "$(bad)", "a b", ""):
        commands.add_parser(name)
    assert [command.path for command in read_tree(parser).walk()] == [(), ("good",)]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_program_itself_is_covered_whole(shell: Shell) -> None:
    from glmcode.cli.parser import build_parser

    parser = build_parser()
    script = completion_script(shell, parser)
    for command in read_tree(parser).walk():
        for flag in command.flags:
            assert all(name.lstrip("-") in script for name in flag.names)
        assert all(word in script for word in command.path)
