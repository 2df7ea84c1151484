"""Reading the issue of `glmcode fix ISSUE`: a file, standard input, text, a GitHub issue or its JSON."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from glmcode.config_error import ConfigError

_REFERENCE = re.compile(r"^([\w.-]+)/([\w.-]+)#(\d+)$")
_ADDRESS = re.compile(r"^https://github\.com/([\w.-]+)/([\w.-]+)/issues/(\d+)(?:[/?#].*)?$")
_MAX_BYTES = 1024 * 1024


def read_issue(source: str, *, offline: bool = False) -> str:
    """The issue's text: title, body and comments; `offline` refuses to ask GitHub. Raises ConfigError."""
    if not source:
        raise ConfigError("ISSUE is empty; it is a file, - for standard input, text:..., or owner/repo#N")
    if source.startswith("text:"):
        text = source.removeprefix("text:")
    elif source == "-":
        text = _decode(sys.stdin.buffer.read(_MAX_BYTES + 1), "standard input")
    elif (found := _REFERENCE.match(source) or _ADDRESS.match(source)) and not Path(source).exists():
        if offline:
            raise ConfigError(f"--offline: {source[:200]} would be read from github.com; save the issue to a file")
        text = _fetch(*found.groups())
    else:
        text = _read_file(source)
    issue = _whole(_from_json(text) if text.lstrip().startswith("{") else text).strip()
    if not issue:
        raise ConfigError(f"the issue in {source[:80]!r} is empty")
    return issue


def read_prompt(given: str | None) -> str:
    """The prompt of `glmcode run`: the argument, or standard input for `-`. Raises ConfigError."""
    if not given:
        raise ConfigError("run needs a PROMPT; use - to read it from standard input")
    prompt = _decode(sys.stdin.buffer.read(_MAX_BYTES + 1), "standard input") if given == "-" else given
    if not prompt.strip():
        raise ConfigError("the prompt is empty")
    return _whole(prompt)


def _read_file(source: str) -> str:
    if "://" in source:
        raise ConfigError(
            f"only issues of github.com are read by address, not {source[:200]}; save the issue to a file and pass that"
        )
    path = Path(source)
    try:
        with path.open("rb") as stream:
            return _decode(stream.read(_MAX_BYTES + 1), str(path))
    except OSError as error:
        raise ConfigError(
            f"cannot read the issue from {path}: {error.strerror}; "
            "ISSUE is a file, - for standard input, text:..., or owner/repo#N"
        ) from None


def _decode(data: bytes, where: str) -> str:
    if len(data) > _MAX_BYTES:
        raise ConfigError(f"{where} is larger than 1 MiB; an issue is a text, not a log: cut it down")
    return data.decode("utf-8-sig", "replace")


def _whole(text: str) -> str:
    """Text without lone surrogates, which arguments and JSON can hold and no server takes."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _from_json(text: str) -> str:
    """The issue in what `gh issue view --json` or a GitHub event wrote; other JSON stays text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    issue = value.get("issue", value)
    if not isinstance(issue, dict) or not isinstance(issue.get("title"), str):
        return text
    comments = issue.get("comments")
    parts = [issue["title"], issue.get("body") or ""]
    if isinstance(comments, list):
        parts += [_comment(comment) for comment in comments if isinstance(comment, dict)]
    if isinstance(event_comment := value.get("comment"), dict):
        parts.append(_comment(event_comment))
    return "\n\n".join(str(part) for part in parts if part)


def _comment(comment: dict[str, Any]) -> str:
    author = comment.get("author") or comment.get("user") or {}
    name = author.get("login", "somebody") if isinstance(author, dict) else "somebody"
    return f"Comment by {name}:\n{comment.get('body') or ''}"


def _fetch(owner: str, repo: str, number: str) -> str:
    """Read the issue with `gh`, else with a token from the environment."""
    if shutil.which("gh"):
        command = ["gh", "issue", "view", number, "--repo", f"{owner}/{repo}", "--json", "title,body,comments"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
            )
        except subprocess.TimeoutExpired:
            raise ConfigError(f"gh did not answer within 60 s for {owner}/{repo}#{number}") from None
        if done.returncode == 0:
            return done.stdout
        raise ConfigError(f"gh could not read {owner}/{repo}#{number}: {done.stderr.strip()[:300]}")
    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
    if not token:
        raise ConfigError(
            f"to read {owner}/{repo}#{number}, install gh or set GITHUB_TOKEN; or save the issue to a file"
        )
    return _ask(owner, repo, number, token)


def _ask(owner: str, repo: str, number: str, token: str) -> str:
    import urllib.error
    import urllib.request

    request = urllib.request.Request(
        f"https://api.github.com/repos/{owner}/{repo}/issues/{number}",
        headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return _decode(answer.read(_MAX_BYTES + 1), f"{owner}/{repo}#{number}")
    except urllib.error.HTTPError as error:
        wrong = "check the number, and that the token may read it" if error.code in (401, 403, 404) else "try again"
        raise ConfigError(f"GitHub refused {owner}/{repo}#{number} with {error.code}: {wrong}") from None
    except (urllib.error.URLError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise ConfigError(
            f"cannot read {owner}/{repo}#{number} from api.github.com ({reason}); or save the issue to a file"
        ) from None
