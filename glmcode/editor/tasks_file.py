"""Puts our tasks into the text of a tasks.json, and takes exactly them out again.

What is ours is told by what it says: a task by the end of its `detail` (tasks.KEPT), an input by its id and
description, a list or a file that we made by a comment behind its first bracket. Nothing else is touched.
"""

import functools
import json
from dataclasses import dataclass
from typing import Any

from glmcode.editor import jsonc
from glmcode.editor.jsonc import JsoncError, Node
from glmcode.editor.tasks import INPUTS, KEPT, LABEL, as_json, tasks

Made = str
_MADE_LIST = "// made by glmcode vscode init"
MADE_FILE = "// file made by glmcode vscode init"
MADE_FOLDER = "// file and folder made by glmcode vscode init"
MADE_CONTENT = "// content made by glmcode vscode init"
_DEFAULT_UNIT = "    "
_ROW = 110
"""Columns that a line of ours fills at most, but for long texts."""
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after an edit, and what people should know about it."""

    text: str
    notes: tuple[str, ...] = ()
    made: Made | None = None
    """After a removal that left nothing: the comment that tells what else was made."""


def put_in(text: str | None, made: Made = MADE_FILE) -> Edited:
    """The text of a tasks.json with our tasks as they are now; None: there is no file. Raises JsoncError."""
    if text is None:
        text = _empty_file(made, "\n")
    elif jsonc.parse(text) is None:
        start = len(_BOM) if text.startswith(_BOM) else 0
        text = text[:start] + _empty_file(MADE_CONTENT, jsonc.line_end(text)) + text[start:]
    _checked(text)
    wanted = {task.label: as_json(task) for task in tasks()}
    inputs = {each.id: each.as_json() for each in INPUTS}
    text = _without_outdated(text, wanted)
    text, notes = _merged(text, "tasks", "label", wanted, _is_our_task)
    text, more = _merged(text, "inputs", "id", inputs, _is_our_input)
    return Edited(text, (*notes, *more))


def take_out(text: str) -> Edited:
    """The text without what `put_in` put there. Raises JsoncError."""
    if jsonc.parse(text) is None:
        return Edited(text)
    _checked(text)
    text = _without(text, "tasks", _is_our_task)
    kept = tuple(each.id for each in INPUTS if f"${{input:{each.id}}}" in text)
    text = _without(text, "inputs", lambda value: _is_our_input(value) and value["id"] not in kept)
    for name in ("tasks", "inputs"):
        text = _without_made_list(text, name)
    notes = tuple(f"input {name} is kept, since a task of yours asks for it" for name in kept)
    text, made = _without_made_content(text)
    return Edited(text, notes, made)


def _empty_file(made: Made, eol: str) -> str:
    return f'{{ {made}{eol}{_DEFAULT_UNIT}"version": "2.0.0"{eol}}}{eol}'


@functools.lru_cache(maxsize=1)  # one text is asked about several times before it changes
def _checked(text: str) -> Node:
    """The root object of a text whose lists are lists; nobody changes it. Raises JsoncError."""
    root = jsonc.parse(text)
    if root is None or root.kind != "object":
        raise JsoncError("it holds no object")
    if (version := root.member("version")) is not None and version.value == "0.1.0":
        raise JsoncError("it is of version 0.1.0; let VS Code turn it into 2.0.0 first")
    for name in ("tasks", "inputs"):
        if (found := root.member(name)) is not None and found.kind != "array":
            raise JsoncError(f"{name} is no list")
    return root


def _is_our_task(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    label, detail = value.get("label"), value.get("detail")
    return isinstance(label, str) and label.startswith(LABEL) and isinstance(detail, str) and detail.endswith(KEPT)


def _is_our_input(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return any((value.get("id"), value.get("description")) == (each.id, each.description) for each in INPUTS)


def _without_outdated(text: str, wanted: dict[str, Any]) -> str:
    """Without tasks of ours that this version does not have, and without second copies of those that it has."""
    seen: set[str] = set()

    def outdated(value: Any) -> bool:
        if not _is_our_task(value):
            return False
        label = value["label"]
        again = label in seen
        seen.add(label)
        return again or label not in wanted

    listed = _checked(text).member("tasks")
    gone = [index for index, item in enumerate(listed.items) if outdated(item.node.value)] if listed else []
    return _removed(text, "tasks", gone)


def _merged(text: str, name: str, key: str, wanted: dict[str, Any], is_ours: Any) -> tuple[str, tuple[str, ...]]:
    """The text with the wanted elements in a list of the root: replaced in place where they differ, else appended."""
    missing, notes = dict(wanted), []
    listed = _checked(text).member(name)
    # From the end on, so that what is changed moves nothing that is still to be looked at.
    for item in reversed(listed.items if listed else []):
        node = item.node
        label = node.value.get(key) if isinstance(node.value, dict) else None
        if not isinstance(label, str) or label not in wanted:
            continue
        missing.pop(label, None)
        if not is_ours(node.value):
            notes.append(f"{name}: {label} is yours and stays as it is")
        elif node.value != wanted[label]:
            rendered = _rendered(wanted[label], text, jsonc.indent_at(text, node.start))
            text = text[: node.start] + rendered + text[node.end :]
    return (_appended(text, name, list(missing.values())) if missing else text), tuple(notes)


def _appended(text: str, name: str, values: list[Any]) -> str:
    root = _checked(text)
    listed = root.member(name)
    eol, unit = jsonc.line_end(text), _unit(text, root)
    if listed is None:
        outer = jsonc.indent_at(text, root.start) + unit
        elements = ",".join(f"{eol}{outer}{unit}{_rendered(value, text, outer + unit)}" for value in values)
        return jsonc.append(text, root, [f'"{name}": [ {_MADE_LIST}{elements}{eol}{outer}]'], outer)
    first = listed.items[0].start if listed.items else None
    own_line = first is not None and not text[text.rfind("\n", 0, first) + 1 : first].strip(" \t")
    if first is not None and own_line:
        indent = jsonc.indent_at(text, first)
    else:
        indent = jsonc.indent_at(text, listed.start) + unit
    return jsonc.append(text, listed, [_rendered(value, text, indent) for value in values], indent)


def _rendered(value: Any, text: str, indent: str) -> str:
    """JSON as it would stand in this text: its line ends, its indentation, one line for what is short."""
    unit, eol = _unit(text, _checked(text)), jsonc.line_end(text)

    def laid_out(value: Any, indent: str, name: str) -> str:
        flat = name + json.dumps(value, ensure_ascii=False)
        if not isinstance(value, dict | list):
            return flat
        pairs = list(value.items()) if isinstance(value, dict) else [("", each) for each in value]
        if len(indent) + len(flat) < _ROW and not any(isinstance(each, dict) for _, each in pairs):
            return flat
        inner = [laid_out(each, indent + unit, f"{json.dumps(key)}: " if key else "") for key, each in pairs]
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        lines = f",{eol}{indent}{unit}".join(inner)
        return f"{name}{opening}{eol}{indent}{unit}{lines}{eol}{indent}{closing}"

    return laid_out(value, indent, "")


def _unit(text: str, root: Node) -> str:
    """What one level is indented by: as the first member of the root is."""
    if root.items and "\n" in text[root.start : root.items[0].start]:
        outer, inner = jsonc.indent_at(text, root.start), jsonc.indent_at(text, root.items[0].start)
        return inner.removeprefix(outer) or _DEFAULT_UNIT
    return _DEFAULT_UNIT


def _without(text: str, name: str, is_ours: Any) -> str:
    listed = _checked(text).member(name)
    return _removed(
        text, name, [i for i, item in enumerate(listed.items) if is_ours(item.node.value)] if listed else []
    )


def _removed(text: str, name: str, indexes: list[int]) -> str:
    for index in reversed(indexes):
        listed = _checked(text).member(name)
        assert listed is not None
        text = jsonc.remove(text, listed, index)
    return text


def _without_made_list(text: str, name: str) -> str:
    """Without a list that we made, or only without our comment on it where something of the user's is in it."""
    root = _checked(text)
    for index, item in enumerate(root.items):
        if item.key != name or not text.startswith(f" {_MADE_LIST}", item.node.start + 1):
            continue
        rest = text[item.node.start + 1 + len(f" {_MADE_LIST}") : item.node.end - 1]
        if not rest.strip():
            return jsonc.remove(text, root, index)
        return text[: item.node.start + 1] + rest + text[item.node.end - 1 :]
    return text


def _without_made_content(text: str) -> tuple[str, Made | None]:
    root = _checked(text)
    for made in (MADE_FOLDER, MADE_FILE, MADE_CONTENT):
        if not text.startswith(f" {made}", root.start + 1):
            continue
        after = root.start + 1 + len(f" {made}")
        if "".join(text[after : root.end - 1].split()) == '"version":"2.0.0"':
            eol = jsonc.line_end(text[root.start :])
            rest = text[root.end :]
            return text[: root.start] + rest.removeprefix(eol), made
        return text[: root.start + 1] + text[after:], None
    return text, None
