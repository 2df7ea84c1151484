"""Chooses the core files: what so much of a repository leans on that every session there may need it."""

from collections.abc import Collection
from dataclasses import replace

from glmcode.context.files import decode, read_bytes
from glmcode.context.fitting import FILE_TOKENS, GAP_TOKENS
from glmcode.context.index.imports import imports_by_blob
from glmcode.context.index.kinds import is_code
from glmcode.context.index.scan import blob_hash
from glmcode.context.index.snapshot import File, Snapshot
from glmcode.context.line_counts import LineCounts
from glmcode.context.ranking.links import HEAD_CHARS, Modules
from glmcode.context.record import PackedFile
from glmcode.context.render import file_block
from glmcode_engine.tokens import estimate_tokens

MIN_CORE_BUDGET = 50_000
"""Smaller packs have no core: there every token is needed for the task."""
CORE_SHARE = 12
"""The core takes one part in so many of what the budget has above that."""
FILE_SHARE = 3
"""One core file takes one part in so many of the core at most."""
README_LINES = 60
MAX_TRIED = 24
_MAX_TOKEN_BYTES = 8
MAX_IMPORTERS = 400
"""The imports of so many files tell what the others lean on."""
_READMES = ("README.md", "README.rst", "README.txt", "README", "readme.md")


def choose_core(
    root: int, snapshot: Snapshot, budget: int, margin: float, shown: Collection[str]
) -> list[tuple[str, PackedFile]]:
    """The blocks of the core files with their records: the head of the README, then whole files, most leant on first.

    Depends on the files and the budget alone.
    """
    left = (budget - MIN_CORE_BUDGET) // CORE_SHARE
    most = left // FILE_SHARE
    counts = LineCounts(snapshot.store)
    core: list[tuple[str, PackedFile]] = []
    leaning = leant_on(root, snapshot)
    ranked = sorted(leaning, key=lambda path: (-leaning[path], path))
    readme = [path for path in _READMES if path in snapshot.files][:1]
    for path in (*readme, *ranked[:MAX_TRIED]):
        file = snapshot.files[path]
        if path in shown or file.size > most * _MAX_TOKEN_BYTES:
            continue
        found = _block(root, file, counts, README_LINES if path in readme else None)
        if found is None:
            continue
        score = leaning.get(path, 0.0)
        record = replace(found[1], score=score, tokens=int(found[1].tokens * margin) + 1)
        if record.tokens <= min(left, most):
            core.append((found[0], record))
            left -= record.tokens
    counts.keep()
    return core


def leant_on(root: int, snapshot: Snapshot) -> dict[str, float]:
    """For each source file how many of a sample of source files import it; what none imports is missing."""
    sources = [file for file in snapshot.files.values() if file.kind == "source" and is_code(file.path)]
    # The hash of its content puts a file into the sample: an edit elsewhere changes nothing.
    sample = sorted(sources, key=lambda file: (file.hash, file.path))[:MAX_IMPORTERS]
    modules = Modules(file.path for file in sources)
    kinds = {file.path for file in sources}
    found: dict[str, float] = {}
    path_of = {file.hash: file.path for file in sample}

    def read(hash: str) -> str | None:
        data = read_bytes(root, path_of[hash], 4 * HEAD_CHARS)
        return data[0].decode("utf-8", "replace") if data else None

    imports = imports_by_blob(snapshot.store, list(path_of), read)
    for file in sample:
        for target in modules.resolved(file.path, imports.get(file.hash, ())):
            if target in kinds:
                found[target] = found.get(target, 0.0) + 1
    return {path: count for path, count in found.items() if count > 1}


def _block(root: int, file: File, counts: LineCounts, lines: int | None) -> tuple[str, PackedFile] | None:
    data = read_bytes(root, file.path, file.size + 1)
    if data is None or blob_hash(data[0]) != file.hash:
        return None
    text = decode(data[0])
    total = text.count("\n") + (not text.endswith("\n"))
    ranges = None if lines is None or total <= lines else ((1, lines),)
    body = file_block(file.path, text, ranges)
    if body is None:
        return None
    sums = counts.sums(file.hash, text)
    tokens = FILE_TOKENS + 2 * GAP_TOKENS + estimate_tokens(file.path) + (sums[lines] if ranges and lines else sums[-1])
    why = "core: what the repository is" if lines else "core: many files import it"
    return body, PackedFile(path=file.path, ranges=ranges, tokens=tokens, score=0.0, why=why)
