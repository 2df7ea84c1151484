"""Problems as SARIF 2.1.0, which code scanning and editors read.

Source: the OASIS standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from glmcode import __version__
from glmcode.headless.problems import Problem, Rule, Severity

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
_RULES: dict[Rule, str] = {
    "failing-test": "A test fails.",
    "broken-by-change": "A change that was not applied breaks a test that passed.",
    "removed-test": "A change takes away a test that passed.",
    "rewritten-test": "A change breaks a test that passed and rewrites it to pass.",
    "finding": "Something that a review found.",
}


def sarif_text(problems: Sequence[Problem]) -> str:
    """One SARIF log with one run, line feed at its end. Paths are relative to the repository."""
    rules = [{"id": rule, "shortDescription": {"text": text}} for rule, text in _RULES.items()]
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "glmcode", "semanticVersion": __version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem) for problem in problems],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _result(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "ruleId": problem.rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": problem.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(place.path, safe="/"), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": place.line, "startColumn": place.column},
                }
            }
        ],
    }
