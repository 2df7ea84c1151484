"""The region of a file most like a text that was not found in it, so that a failed edit can be put right."""

from glmcode_tools.filetext import visible

MAX_LINES = 20_000
MAX_COMPARED = 400
"""Lines compared character by character: the costly part."""
SHOWN_LINES = 25


def nearest_region(text: str, old: str) -> str:
    """Numbered lines of `text` that resemble `old` most, or an empty string where nothing does. Bounded cost."""
    wanted = [line.strip() for line in old.split("\n") if line.strip()]
    lines = text.split("\n")[:MAX_LINES]
    if not wanted or not lines:
        return ""
    stripped = [line.strip() for line in lines]
    start = _by_equal_lines(stripped, wanted)
    if start is None:
        start = _by_likeness(stripped, wanted)
    if start is None:
        return ""
    first = max(0, start - 2)
    last = min(len(lines), start + min(len(old.split("\n")), SHOWN_LINES) + 2)
    return "\n".join(f"{number:>6}\t{visible(line[:200])}" for number, line in enumerate(lines[first:last], first + 1))


def _by_equal_lines(lines: list[str], wanted: list[str]) -> int | None:
    """Where a window as long as `wanted` holds most of its lines; long lines weigh more than a brace."""
    weights = {line: min(len(line), 40) for line in wanted if len(line) > 3}
    scores = [weights.get(line, 0) for line in lines]
    window = sum(scores[: len(wanted)])
    best, start = window, 0
    for index in range(1, max(1, len(lines) - len(wanted) + 1)):
        window += scores[index + len(wanted) - 1] - scores[index - 1]
        if window > best:
            best, start = window, index
    return start if best else None


def _by_likeness(lines: list[str], wanted: list[str]) -> int | None:
    from difflib import SequenceMatcher

    key_index, key = max(enumerate(wanted), key=lambda pair: len(pair[1]))
    key = key[:200]
    words = set(key.split())
    likely = sorted(range(len(lines)), key=lambda i: -len(words & set(lines[i][:400].split())))[:MAX_COMPARED]
    matcher = SequenceMatcher(None, b=key, autojunk=False)
    best, found = 0.5, None
    for index in likely:
        matcher.set_seq1(lines[index][:200])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, index
    return None if found is None else max(0, found - key_index)
