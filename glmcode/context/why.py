"""Says in a few words why a file is in the pack."""

from glmcode.context.candidates import Candidates
from glmcode.context.ranking.gather import Evidence

_LEAST = 0.5
"""A kind of evidence is told where it is at least this share of the highest in the repository."""


def why(candidates: Candidates, path: str) -> str:
    """The strongest evidence on the file, at most three kinds of it."""
    evidence = candidates.evidence
    assert evidence is not None
    found = [text for text, holds in _reasons(candidates, evidence, path) if holds]
    if path in candidates.pinned:
        found.insert(0, "pinned by you")
    return "; ".join(found[:3]) or "near what matches"


def _reasons(candidates: Candidates, evidence: Evidence, path: str) -> list[tuple[str, bool]]:
    tier, lines = evidence.mentions.get(path, (0, ()))
    words = [term for _, term in sorted(evidence.lexical.best.get(path, []), key=lambda one: (-one[0], one[1]))[:4]]

    def strong(column: str) -> bool:
        scores = evidence.columns.get(column, {})
        return scores.get(path, 0.0) >= _LEAST * (max(scores.values(), default=0.0) or 1.0)

    return [
        (f"named in the task with lines {', '.join(map(str, lines[:4]))}", bool(lines)),
        ("named in the task", bool(tier) and not lines),
        ("open", evidence.columns["near"].get(path, 0.0) >= 1.0 and path not in candidates.pinned),
        ("near what you have open or pinned", 0.0 < evidence.columns["near"].get(path, 0.0) < 1.0),
        ("in a stack trace", evidence.columns.get("best_framed", {}).get(path, 0.0) > 0),
        ("defines names of the task", strong("defines")),
        ("holds phrases of the task", strong("phrases")),
        (f"matches {', '.join(words)}", bool(words)),
        ("past commits on this touched it", strong("said")),
        ("what it is tested by matches", strong("tested")),
        ("imported by what matches", strong("imported")),
        ("changes together with what matches", strong("together")),
    ]
