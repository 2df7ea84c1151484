"""Makes issues of fix commits, to measure packs on repositories that no weight was fitted on.

    python -m benchmarks.packing.commits MIRROR ... [--each 5] > instances.jsonl

A mirror is a git directory `owner+name` or `owner+name/repo`. The text of a commit stands in for the issue, without
what only points elsewhere; a pack should hold the lines that it changes in source files of its parent, the base. The
newest fixes of a repository are cut into --each parts of equal size, and one is taken out of each, by hash. The output
is what `benchmarks.packing.gather` reads; it holds other people's text, so it is not kept here.
"""

import argparse
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

MAX_COMMITS = 8_000
"""So far back a repository is looked through."""
MAX_FIXES = 120
"""So many of its newest fixes are chosen from."""
MAX_SOURCE, MAX_FILES, MAX_LINES, MAX_RANGES = 4, 14, 120, 20
MIN_WORDS, MIN_LETTERS = 14, 80
"""What the body of a message says at least, in whole sentences."""

LANGUAGES = {
    **dict.fromkeys(("py", "pyx", "pyi"), "python"),
    **dict.fromkeys(("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts", "vue", "svelte"), "javascript"),
    **dict.fromkeys(("c", "h", "y", "l"), "c"),
    **dict.fromkeys(("cc", "cpp", "cxx", "hpp", "hh"), "cpp"),
    **{"go": "go", "rs": "rust", "java": "java", "kt": "kotlin", "scala": "scala", "cs": "csharp", "rb": "ruby"},
    **{"php": "php", "swift": "swift", "lua": "lua", "sh": "bash", "jq": "jq"},
}
_ASIDE = re.compile(
    r"(^|/)(([^/]*[._-])?tests?|([^/]*-)?testing(-[^/]*)?|testdata|testsuite|__tests__|specs?|e2e|fixtures?|docs?|examples?|"
    r"benchmarks?|scripts|ci|_?vendor(ed)?|third_party|node_modules|dist|single_include|\.[^/]+)(/|$)"
    r"|(^|/)((test_|Package\.|setup\.|conftest\.|noxfile\.)[^/]*|[^/]+([._-](test|spec|fixture)s?)\.\w+)$"
    r"|[a-z]Tests?\.\w+$|\.min\.js$",
    re.IGNORECASE,
)
_FIX = re.compile(
    r"\b(fix(es|ed|ing)?|bug|bugfix|regressions?|crash(es|ed)?|wrong(ly)?|incorrect(ly)?)\b", re.IGNORECASE
)
_OTHER_WORK = re.compile(
    r"\b(typos?|lint(er|ing)?|docs?|docstrings?|documentation|comments?|tests?|CI|flak[ey]\w*|changelog|builds?|compil\w+|"
    r"warnings?|format(ting)?|style|release|version|bump|revert\w*|mypy|pyright|typing|annotations?|spelling|cleanup|refactor\w*|"
    r"type|types|hints?|merge|backport|examples?|deprecat\w+|coverity|phpstan|clippy|ruff|sonar\w*|checkstyle|readme|workflow|"
    r"review|workaround|initial|possible|some|few|various|several)\b|^\W|^.{,14}$",
    re.IGNORECASE,
)
_PROBLEM = re.compile(
    r"\b(when|if|instead|should|would|could|cause[sd]?|fail\w*|errors?|wrong\w*|incorrect\w*|raise[sd]?|throw\w*|crash\w*|"
    r"not|n't|never|miss\w+|lost|broke\w*|previously|because|unexpected\w*|leak\w*|hang\w*|bug|regression|ignored?|resulted)\b",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    r"^\s*([A-Z][\w-]*[- ](by|to|from|on|Id)|Change-Id|Bug|Refs?|References?|Fix(es)?|Close[sd]?|Resolves|Reported|"
    r"Follow-up|PR|See|Issue|Ticket|CVE)(:|\s+(#|gh-|\[?\w*#\d)|\s*$)"
    r"|^\s*(\(?cherry.picked|\[(pre-commit|autofix)|Pull[- ]request|Reported (in|by)|Follow-up)"
    r"|^\s*(-{3,}$|[*-]? ?\[[ x]\]|##)"
    r"|^\s*\*? ?(add|update)(ed|s)?( \w+)? (tests?|changelog|license)$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\(?\b(fix(es|ed)?|close[sd]?|resolve[sd]?|refs?|references|see|issue|in|from|to):?\s+(#\d+|gh-\d+|[\w-]+/[\w-]+#\d+)\)?"
    r"|\s*\((gh-|#)\d+\)|<?https?://\S+>?|\bGH-\d+\b|#\d{2,}\b",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_BULLET = re.compile(r"^\s*([*+-]|\d+[.)])\s")
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@", re.MULTILINE)


def main() -> None:
    """Print the issues."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirrors", type=Path, nargs="+")
    parser.add_argument("--each", type=int, default=5, help="issues of each repository")
    options = parser.parse_args()
    for mirror in options.mirrors:
        folder = mirror.parent if mirror.name == "repo" else mirror
        found = list(islice(fixes(mirror, folder.name.replace("+", "/", 1)), MAX_FIXES))[::-1]
        for part in range(min(options.each, len(found))):
            stratum = found[len(found) * part // options.each : len(found) * (part + 1) // options.each]
            if stratum:
                print(json.dumps(min(stratum, key=lambda one: hashlib.sha256(one["id"].encode()).digest())))


def fixes(mirror: Path, repo: str) -> Iterator[dict[str, Any]]:
    """The fixes of a repository, newest first, in the form of a data set's instances."""
    log = _git(mirror, "log", "--no-merges", f"-{MAX_COMMITS}", "--format=%H%x00%P%x00%B%x01")
    seen: set[str] = set()
    for record in log.split("\1")[:-1]:
        commit, base, message = record.strip("\n").split("\0")
        text = issue_text(message)
        if not text or not base or (subject := text.partition("\n")[0]) in seen:
            continue
        seen.add(subject)
        if gold := changed(mirror, base, commit, message):
            languages = [LANGUAGES[PurePosixPath(path).suffix[1:]] for path in gold]
            yield {
                "id": f"commit__{repo.replace('/', '__')}__{commit[:10]}",
                "repo": repo,
                "base": base,
                "issue": text,
                "sets": ["commits"],
                "lang": max(languages, key=languages.count),
                "gold": gold,
            }


def issue_text(message: str) -> str:
    """The message without what only points elsewhere; empty where it does not tell of a problem in sentences."""
    subject, _, body = _HIDDEN.sub("", message.replace("\r", "")).partition("\n")
    subject = _REFERENCE.sub("", subject).strip()
    if not _FIX.search(subject) or _OTHER_WORK.search(subject):
        return ""
    lines = [_REFERENCE.sub("", line).rstrip() for line in body.splitlines() if not _TRAILER.match(line)]
    prose = " ".join(line for line in lines if not _BULLET.match(line) and not line.startswith(("    ", ">", "\t")))
    words = re.findall(r"[A-Za-z']{2,}", prose)
    if len(words) < MIN_WORDS or sum(map(len, words)) < MIN_LETTERS or not _PROBLEM.search(prose):
        return ""
    return f"{subject}\n\n" + re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def changed(mirror: Path, base: str, commit: str, message: str) -> dict[str, dict[str, Any]]:
    """What a commit changes in the source files of its base; empty where it is not a small fix of those."""
    parts = _git(mirror, "diff", "--name-status", "--no-renames", "-z", base, commit).split("\0")[:-1]
    states = dict(zip(parts[1::2], parts[::2], strict=True))
    source = [path for path in states if is_source(path)]
    edited = [path for path in source if states[path] == "M"]
    if not edited or len(source) > MAX_SOURCE or len(states) > MAX_FILES or any(states[path] == "D" for path in source):
        return {}
    if any(PurePosixPath(path).name.lower() in message.lower() for path in states):
        return {}  # a list of what was changed, or as good as one
    gold: dict[str, dict[str, Any]] = {}
    lines = 0
    for path in edited:
        hunks = _HUNK.findall(_git(mirror, "diff", "-U0", "--no-ext-diff", base, commit, "--", path))
        lines += sum(int(old or 1) + int(new or 1) for _, old, new in hunks)
        text = _git(mirror, "show", f"{base}:{path}")
        # Where lines only come in, the one above them must be seen.
        edits = [[first := max(1, int(at)), first + max(0, int(old or 1) - 1)] for at, old, _ in hunks]
        gold[path] = {"edits": edits, "lines": text.count("\n") + 1, "functions": []}
    few = 0 < lines <= MAX_LINES and sum(len(one["edits"]) for one in gold.values()) <= MAX_RANGES
    return gold if few and all(one["edits"] for one in gold.values()) else {}


def is_source(path: str) -> bool:
    """Whether a file is code of what the repository is for, and no test or document."""
    return PurePosixPath(path).suffix[1:] in LANGUAGES and not _ASIDE.search(path)


def _git(mirror: Path, *command: str) -> str:
    return subprocess.run(["git", *command], cwd=mirror, check=True, capture_output=True).stdout.decode(
        "utf-8", "replace"
    )


if __name__ == "__main__":
    main()
