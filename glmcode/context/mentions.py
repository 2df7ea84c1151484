"""Finds the files that a task names: by path, as a dotted module, or by their file name."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

MAX_TASK_CHARS = 64 * 1024

# One class without repetition inside: a hostile task must not cost more than linear time.
_MENTION = re.compile(r"[\w@+./\\-]{3,400}")
_QUOTED = re.compile(r'@"([^"\n]{1,400})"')
_LINE = re.compile(r"""["'`]?(?::|#L|,? (?:on )?line )(\d{1,6})\b""")


def named(task: str, paths: Iterable[str]) -> dict[str, tuple[int, tuple[int, ...]]]:
    """The files that a task names, each with how surely and at which lines.

    3: by its path, as in `@src/a.py`. 2: as a dotted module. 1: by its file name.
    """
    by_name: dict[str, list[str]] = {}
    by_stem: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        stem = _stem(name)
        by_name.setdefault(name, []).append(path)
        by_stem.setdefault(folder.rpartition("/")[2] if stem == "__init__" else stem, []).append(path)
    found: dict[str, tuple[int, set[int]]] = {}
    task = task[:MAX_TASK_CHARS]
    for mention in _MENTION.finditer(task):
        text = mention.group().replace("\\", "/").rstrip("./-")
        if "." not in text and "/" not in text:
            continue
        line = _LINE.match(task, mention.end())
        # What follows an @ is a path of its own, whatever it is glued to; scopes like @types still match whole.
        texts = {text, text.rpartition("@")[2]}
        for path, tier in (hit for one in texts if one for hit in (*_by_path(one, by_name), *_by_module(one, by_stem))):
            before, lines = found.get(path, (0, set()))
            found[path] = (max(before, tier), lines | ({int(line.group(1))} if line else set()))
    for quoted in _QUOTED.findall(task):
        if quoted in by_name.get(PurePosixPath(quoted).name, ()):
            found[quoted] = (3, found.get(quoted, (0, set()))[1])
    return {path: (tier, tuple(sorted(lines))) for path, (tier, lines) in found.items()}


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _by_path(text: str, by_name: dict[str, list[str]]) -> Iterator[tuple[str, int]]:
    parts = [part for part in text.split("/") if part not in ("", ".", "..")]
    common = {path: _common_end(parts, path.split("/")) for path in (by_name.get(parts[-1], []) if parts else [])}
    best = max(common.values(), default=0)
    # A file elsewhere that only has the same name, as in a traceback through a library, is not meant.
    whole = {len(parts), *(path.count("/") + 1 for path in common)}
    closest = [path for path in common if common[path] == best and (best > 1 or best in whole)]
    if len(closest) <= 8:
        yield from ((path, 3 if best > 1 or path == text else 1) for path in closest)


def _by_module(text: str, by_stem: dict[str, list[str]]) -> Iterator[tuple[str, int]]:
    parts = text.split(".")
    if "/" in text or len(parts) < 2:
        return
    for length in range(len(parts), 0, -1):
        wanted = parts[:length]
        matches = []
        for path in by_stem.get(wanted[-1], []):
            pure = PurePosixPath(path)
            module = pure.parent.parts if pure.stem == "__init__" else (*pure.parent.parts, pure.stem)
            # One word alone names a module only at the top: `app.run` is app.py, never deep/app.py.
            if _common_end(wanted, list(module)) == length and (length > 1 or len(module) == 1):
                matches.append(path)
        if matches and len(matches) <= 8:
            yield from ((path, 2) for path in matches)
            return


def _common_end(one: list[str], other: list[str]) -> int:
    count = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        count += 1
    return count
