"""The folders of a copy-on-write layer over a repository, and how Docker is told to mount it."""

import os
import secrets
import stat
import time
from pathlib import Path

from glmcode_sandbox.base import Overlay
from glmcode_sandbox.threads import remove_folder

DOOMED = "doomed-"
"""How the names of folders begin that are to be removed."""
OPAQUE = "user.overlay.opaque"
"""The mark of a folder that hides the one below it; `y` as its value. See the kernel's overlayfs.rst, `userxattr`."""

_MAX_OPTIONS = 3800
"""The kernel takes one page of options."""
_BAD = frozenset(",:\\\"'")


def make_overlay(top: Path, folder: Path) -> Overlay:
    """Make the folders of a layer over the repository `top` in `folder`, which is ours. Blocks. Raises OSError."""
    overlay = Overlay(f"glmcode-{secrets.token_hex(8)}", folder / "upper", folder / "work")
    overlay.work.mkdir(mode=0o700)
    overlay.upper.mkdir(mode=0o700)
    # The top folder is seen as the upper one is; `.git` is where the private one is mounted, and hides the real one.
    git = overlay.upper / ".git"
    git.mkdir(mode=0o755)
    os.setxattr(git, OPAQUE, b"y")
    dress(git, top.stat())
    dress(overlay.upper, top.stat())
    return overlay


def dress(folder: Path, like: os.stat_result) -> None:
    """Give a folder of the layer the mode, owner and times of the one it stands for, but always let it be written."""
    if os.geteuid() == 0:
        os.chown(folder, like.st_uid, like.st_gid, follow_symlinks=False)
    folder.chmod(stat.S_IMODE(like.st_mode) & 0o3777 | 0o700)
    os.utime(folder, ns=(like.st_atime_ns, like.st_mtime_ns))


def volume_options(lower: Path, overlay: Overlay) -> dict[str, str]:
    """The options of a volume of Docker's `local` driver that is this layer over `lower`."""
    folders = f"lowerdir={lower},upperdir={overlay.upper},workdir={overlay.work}"
    return {"type": "overlay", "device": "overlay", "o": f"{folders},userxattr"}


def cannot_overlay(top: Path, state_dir: Path) -> str | None:
    """Why a layer over `top` kept below `state_dir`, an existing folder, is out of the question; None: it may work.

    Cheap: asks no daemon.
    """
    names = f"{top}{state_dir}"
    if len(os.fsencode(names)) + len(os.fsencode(state_dir)) > _MAX_OPTIONS - 200:
        return "the path of the repository is too long"
    if any(char in _BAD or ord(char) < 32 for char in names) or not _is_text(names):
        return "the path of the repository holds characters that mount options cannot"
    status = top.stat()
    if os.geteuid() not in (0, status.st_uid):
        return "the repository belongs to another user"
    if not status.st_mode & stat.S_IWUSR:
        return "the repository is read-only"
    try:
        os.setxattr(state_dir, "user.glmcode", b"y")
        os.removexattr(state_dir, "user.glmcode")
    except OSError as error:
        return f"{state_dir} takes no extended attributes: {error.strerror}"
    return None


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def moment(folder: Path) -> int:
    """A point in time of the file system's clock, in nanoseconds: what changed before the call has an older change
    time, what changes after it has this one or a newer. Waits for the clock's next tick, ten milliseconds at most.
    """
    mark = folder / "moment"
    mark.touch()
    first = mark.stat().st_ctime_ns
    for _ in range(200):
        mark.chmod(0o600)
        now = mark.stat().st_ctime_ns
        if now > first:
            break
        time.sleep(0.0005)
    return now


async def remove_workspace(folder: Path) -> bool:
    """Remove the folder of a workspace; False where something of root's is left in it, which `sweep` removes.

    Renamed before, so that nobody takes half of it for a workspace.
    """
    doomed = folder.with_name(f"{DOOMED}{folder.name}-{secrets.token_hex(4)}")
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return True
    await remove_folder(doomed)
    return not doomed.exists()
