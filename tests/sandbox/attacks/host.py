"""The machine that is attacked: a repository, a home with secrets, files beside them, and a trap for its git."""

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LARGE_BYTES = 2**24
SECRET = "canary-7c1e5a90"
"""In the environment and in files outside the repository; must never come out of a sandbox."""
GIT_WALK = """
git status; git log -1 -p; git diff; git stash list; git submodule status
git add -A; git commit -q --allow-empty -m afterwards; git status --short; git show --stat; git checkout -q -b other
"""
"""What a person does in the repository afterwards."""


@dataclass(frozen=True, slots=True)
class Host:
    """`top` is `@H@` in the entries."""

    top: Path
    owner: tuple[int, int] = (0, 0)

    @property
    def repo(self) -> Path:
        return self.top / "repo"

    @property
    def canary(self) -> Path:
        """Made by every trap: something of the repository was executed."""
        return self.top / "executed"

    def make(self) -> None:
        """Everything in place, and one commit in the repository."""
        for name in ("home/.ssh", "beside", "repo/src", "trapped"):
            (self.top / name).mkdir(parents=True)
        for path in ("home/.ssh/id_rsa", "beside/secret.txt"):
            (self.top / path).write_text(f"{SECRET}\n")
        (self.top / "trap").write_text(f"#!/bin/sh\necho \"$0 $*\" >>'{self.canary}'\ncat\n")
        (self.top / "trap").chmod(0o755)
        for name, text in (("a.txt", "a\n"), ("src/b.txt", "b\n"), ("run.sh", "#!/bin/sh\necho ran\n")):
            (self.repo / name).write_text(text)
        self.give()
        self.shell(
            "git config --global user.name n; git config --global user.email n@example.org\n"
            "git config --global protocol.file.allow always; git config --global init.defaultBranch main\n"
            "cd repo; git init -q; git add -A; git commit -qm start"
        )

    def give(self) -> None:
        """Make everything the owner's."""
        if os.geteuid() == 0 and self.owner != (0, 0):
            for path in (self.top, *self.top.rglob("*")):
                os.chown(path, *self.owner, follow_symlinks=False)

    def fill(self, text: str) -> str:
        """A text of an entry with the names of this host put in."""
        return text.replace("@H@", str(self.top)).replace("@SECRET@", SECRET)

    def path(self, name: str) -> Path:
        return self.repo / self.fill(name)

    def shell(self, script: str, cwd: Path | None = None, variables: dict[str, str] | None = None) -> str:
        """Run something as the person would; gives what it printed. Its exit code does not count."""
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.top / "home"),
            "LC_ALL": "C.UTF-8",
            "TRAP": str(self.top / "trap"),
        }
        done = subprocess.run(
            ["bash", "-c", self.fill(script)],
            cwd=cwd or self.top,
            env={**env, **(variables or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            user=self.owner[0] if os.geteuid() == 0 and self.owner != (0, 0) else None,
            group=self.owner[1] if os.geteuid() == 0 and self.owner != (0, 0) else None,
        )
        return done.stdout.decode(errors="replace")

    def outside(self) -> str:
        """The state of all that lies beside the repository."""
        names = ("home/.ssh", "home/.gitconfig", "beside", "trap")
        return "\n".join(fingerprint(self.top / name) for name in names) + str(sorted(os.listdir(self.top)))  # noqa: PTH208

    def git_state(self) -> str:
        return fingerprint(self.repo / ".git")

    def left(self) -> list[str]:
        """Processes that still see the repository in a mount namespace of their own."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f" {self.repo} " in (folder / "mountinfo").read_text():
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue
        return found

    def kilobytes(self) -> int:
        return sum(path.lstat().st_blocks for path in self.repo.rglob("*")) // 2


def fingerprint(path: Path) -> str:
    """Content, kind, mode and owner of a file, or of everything in a folder; no link is followed."""
    digest = hashlib.sha256()
    for name in sorted(_all(os.fsencode(path))):
        status = os.lstat(name)
        digest.update(b"%b\0%d\0%d\0%d\0" % (name, status.st_mode, status.st_uid, status.st_nlink))
        if status.st_size > _LARGE_BYTES:
            digest.update(b"%d %d" % (status.st_size, status.st_mtime_ns))
        elif stat.S_ISREG(status.st_mode):
            digest.update(_read(name))
        elif stat.S_ISLNK(status.st_mode):
            digest.update(os.readlink(name))  # noqa: PTH115
    return digest.hexdigest()


# Names, not `Path`s: a repository may have a hundred thousand of them.
def _all(top: bytes) -> Iterator[bytes]:
    if not os.path.lexists(top):
        return
    yield top
    folders = [top] if stat.S_ISDIR(os.lstat(top).st_mode) else []
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                yield entry.path
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)


def _read(name: bytes) -> bytes:
    with open(name, "rb") as file:  # noqa: PTH123
        return file.read()
