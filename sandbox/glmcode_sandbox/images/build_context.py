"""Packs what a repository's Dockerfile reads of its build context: no more is sent, and exactly that is hashed."""

import io
import json
import os
import posixpath
import re
import stat
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from glmcode_sandbox.beneath import opened, parent_of, parts_of, read_beneath, status
from glmcode_sandbox.clean import one_line
from glmcode_sandbox.images.devcontainer import MAX_BYTES, Build, DevcontainerError

DOCKERFILE = ".glmcode.Dockerfile"
"""The name of the Dockerfile in the context; the repository's own may lie outside of it."""
MAX_CONTEXT_BYTES = 1024**3

_LINE_END = re.compile(r"\\[ \t]*\n(?:[ \t]*#[^\n]*\n)*")
_LEFT_OUT = ".git"


def pack_context(repo: Path, build: Build, stream: IO[bytes]) -> None:
    """Write the context as a tar, the same bytes for the same content.

    Sent are the files that COPY and ADD name, or all but the `.git` folder where that cannot be told from the text;
    `.dockerignore` is obeyed, no link is followed. Raises DevcontainerError.
    """
    with opened(repo) as root:
        try:
            text = read_beneath(root, parts_of(build.dockerfile), MAX_BYTES)
        except (OSError, ValueError) as error:
            raise DevcontainerError(
                f"the Dockerfile {one_line(build.dockerfile, 200)} cannot be read: {_why(error)}"
            ) from None
        base = build.context.split("/") if build.context else []
        if base and not _is_folder(root, base):
            raise DevcontainerError(f"the build context {one_line(build.context, 200)} is no folder of the repository")
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            info = tarfile.TarInfo(DOCKERFILE)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
            _add_all(tar, root, base, _chosen(repo, root, base, text.decode("utf-8", "replace")))


def copied(dockerfile: str) -> tuple[str, ...] | None:
    """The patterns of what COPY and ADD take from the context; None where it may be anything."""
    if re.match(r"\s*#\s*escape\s*=", dockerfile, re.IGNORECASE):
        return None
    found: list[str] = []
    for line in _LINE_END.sub(" ", dockerfile.replace("\r\n", "\n")).split("\n"):
        name, _, rest = line.strip().partition(" ")
        if name.upper() == "RUN" and "--mount" in rest:
            return None
        if name.upper() not in ("COPY", "ADD"):
            continue
        sources = _sources(rest)
        if sources is None:
            return None
        found += sources
    return tuple(found)


def _sources(words: str) -> list[str] | None:
    flags = re.match(r"\s*(?:--\S+\s+)*", words)
    given, words = (flags[0], words[flags.end() :]) if flags else ("", words)
    if "--from=" in given:
        return []
    try:
        named = json.loads(words) if words.startswith("[") else words.split()
    except ValueError:
        return None
    sources = []
    for each in named[:-1] if isinstance(named, list) else [None]:
        if not isinstance(each, str) or "$" in each or each.startswith("<<") or "\\" in each or '"' in each:
            return None
        if re.match(r"https?://|git@", each):
            continue
        path = posixpath.normpath(each.lstrip("/") or ".")
        if path == ".":
            return None
        sources.append(path)
    return sources


def _chosen(repo: Path, root: int, base: list[str], dockerfile: str) -> list[str]:
    patterns = copied(dockerfile)
    if patterns == ():
        return []
    everything = [name for name in _listed(repo, root, base) if name.split("/")[0] != _LEFT_OUT]
    if patterns is None:
        return everything
    chosen = [name for name in everything if any(_matches(name, pattern) for pattern in patterns)]
    # What a link leads to would be missing.
    return everything if any(_is_link(root, [*base, *name.split("/")]) for name in chosen) else chosen


def _listed(repo: Path, root: int, base: list[str]) -> list[str]:
    from docker.utils.build import exclude_paths

    ignored: list[str] = []
    with suppress(OSError, ValueError):
        lines = read_beneath(root, [*base, ".dockerignore"], MAX_BYTES).decode("utf-8", "replace").splitlines()
        ignored = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        return sorted(exclude_paths(str(repo.joinpath(*base)), [*ignored, _LEFT_OUT], dockerfile=DOCKERFILE))
    except OSError as error:
        raise DevcontainerError(f"the build context cannot be listed: {error.strerror}") from None


def _matches(name: str, pattern: str) -> bool:
    """Whether a path is what a pattern names, or lies below it; `*` stays within one part."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) >= len(wanted) and all(fnmatchcase(p, w) for p, w in zip(parts, wanted, strict=False))


def _add_all(tar: tarfile.TarFile, root: int, base: list[str], names: list[str]) -> None:
    size = 0
    for name in names:
        for info, stream in _member(root, [*base, *name.split("/")], name):
            size += info.size
            if size > MAX_CONTEXT_BYTES:
                raise DevcontainerError(
                    f"the build context is larger than {MAX_CONTEXT_BYTES // 1024**2} MiB: shorten it in .dockerignore"
                )
            tar.addfile(info, stream)


def _member(root: int, parts: list[str], name: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """The entry of one path, without times and owners; nothing for what is gone or neither file, folder nor link."""
    info = tarfile.TarInfo(name)
    with suppress(FileNotFoundError, NotADirectoryError), parent_of(root, parts) as folder:
        found = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        info.mode = stat.S_IMODE(found.st_mode) & 0o777
        if stat.S_ISLNK(found.st_mode):
            info.type, info.linkname = tarfile.SYMTYPE, os.readlink(parts[-1], dir_fd=folder)
            yield info, None
        elif stat.S_ISDIR(found.st_mode):
            info.type = tarfile.DIRTYPE
            yield info, None
        elif stat.S_ISREG(found.st_mode):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(parts[-1], flags, dir_fd=folder), "rb") as stream:
                info.size = os.fstat(stream.fileno()).st_size
                yield info, stream


def _is_folder(root: int, parts: list[str]) -> bool:
    return _mode(root, parts) == stat.S_IFDIR


def _is_link(root: int, parts: list[str]) -> bool:
    return _mode(root, parts) == stat.S_IFLNK


def _mode(root: int, parts: list[str]) -> int:
    try:
        found = status(root, parts)
    except OSError:
        return 0
    return stat.S_IFMT(found.st_mode) if found else 0


def _why(error: Exception) -> str:
    return one_line((error.strerror or str(error)) if isinstance(error, OSError) else str(error), 200)
