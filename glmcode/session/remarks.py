"""What happened between the messages of a session: that it was compacted, and what the harness found out."""

from collections.abc import Sequence
from typing import Any

from glmcode.events import Compacted, VerdictReached
from glmcode_sandbox.clean import one_line

Remark = Compacted | VerdictReached
Remarks = Sequence[tuple[int, Remark]]
"""Each with the number of messages before it."""


def verdict_in(line: dict[str, Any]) -> VerdictReached | None:
    """The verdict that a line of a session file holds: of a fix in a session, or of a headless run.

    Raises ValidationError.
    """
    match line:
        case {"kind": "verdict"}:
            return VerdictReached.model_validate({key: value for key, value in line.items() if key != "time"})
        case {"kind": "result", "verdict": str(verdict), "tests": dict(tests)} if verdict != "none":
            after = tests.get("after")
            return VerdictReached.model_validate(
                {
                    "verdict": verdict,
                    "reason": line.get("reason", ""),
                    "fixed": tests.get("fixed", ()),
                    "broken": tests.get("broken", ()),
                    "passed": after.get("passed") if isinstance(after, dict) else None,
                }
            )
    return None


def remark_line(remark: Remark) -> str:
    """One line for people."""
    if remark.kind == "compacted":
        sizes = f"{remark.tokens_before} to {remark.tokens_after} tokens"
        did = "Packed anew here" if remark.how == "repacked" else f"Compacted here: {remark.how}"
        return f"{did}, {sizes}; {remark.cause}."
    counts = [f"{len(ids)} {name}" for name, ids in (("fixed", remark.fixed), ("broken", remark.broken)) if ids]
    passed = [f"{remark.passed} passed"] if remark.passed is not None else []
    tests = f" ({', '.join([*counts, *passed])})" if counts or passed else ""
    return f"Verdict: {remark.verdict}{tests}; {one_line(remark.reason, 500)}."
