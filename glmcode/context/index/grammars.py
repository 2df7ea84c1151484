"""Finds definitions with tree-sitter: their lines, names and what they stand in. Loaded only where a file is parsed."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Query

LANGUAGES = {
    **dict.fromkeys(("py", "pyi", "pyx", "pxd", "pyw"), "python"),
    **dict.fromkeys(("js", "jsx", "mjs", "cjs"), "javascript"),
    **dict.fromkeys(("ts", "mts", "cts"), "typescript"),
    **dict.fromkeys(("c",), "c"),
    **dict.fromkeys(("h", "cc", "cpp", "cxx", "hpp", "hh", "hxx", "inl", "ipp", "cu"), "cpp"),
    **dict.fromkeys(("rb", "rake", "gemspec"), "ruby"),
    **dict.fromkeys(("kt", "kts"), "kotlin"),
    **dict.fromkeys(("scala", "sc", "sbt"), "scala"),
    **dict.fromkeys(("sh", "bash"), "bash"),
    **dict.fromkeys(("html", "htm"), "html"),
    **dict.fromkeys(("css",), "css"),
    **dict.fromkeys(("yaml", "yml"), "yaml"),
    **dict.fromkeys(("md", "markdown"), "markdown"),
    **{"tsx": "tsx", "go": "go", "rs": "rust", "java": "java", "cs": "csharp", "php": "php", "swift": "swift"},
    **{"lua": "lua", "sql": "sql", "toml": "toml", "json": "json"},
}
"""The ending of a file's name, and its grammar in tree-sitter-language-pack."""

_END = r"(?:_(?:definition|declaration|item|specifier|statement|def))?$"
_CONTAINER = re.compile(
    r"^(?:abstract_)?(?:class|impl|module|namespace|mod|trait|interface|object|extension|record|protocol|package_object|"
    r"companion_object|foreign_mod|struct|union|enum|annotation_type)" + _END
)
_LEAF = re.compile(
    r"^(?:(?:generator_|preproc_|local_)?function|method|singleton_method|(?:compact_)?constructor|destructor|init|"
    r"deinit|operator|property|delegate|type_alias|type|const|static|lexical|variable|var|val|given|macro|table|rule_set|section|"
    r"create_\w+|function_signature)" + _END
)
_NOT = {"module", "object", "type", "operator"}
"""Kinds that mean something else in one grammar than in the others."""
_FUNCTION = "[(function_expression) (arrow_function)]"
_ASSIGNED = (
    f"(assignment_expression right: {_FUNCTION}) @d (pair value: {_FUNCTION}) @d "
    "(assignment_expression right: (class)) @c "
)
_TYPED = f"{_ASSIGNED} (public_field_definition value: {_FUNCTION}) @d (internal_module) @c"
_MORE = {
    "javascript": f"{_ASSIGNED} (field_definition value: {_FUNCTION}) @d",
    "typescript": _TYPED,
    "tsx": _TYPED,
    "go": "(type_spec) @d",
    "lua": "(assignment_statement (expression_list value: (function_definition))) @d",
    "html": '((element (start_tag (attribute (attribute_name) @n))) @c (#eq? @n "id")) '
    "(script_element) @d (style_element) @d",
    "toml": "(table_array_element) @d",
    "yaml": "(block_mapping_pair) @c",
    "json": "(pair) @c",
}
"""What defines something though the kind of node alone does not tell: `c` where it holds others, `d` where not."""
_INSTEAD = {"go": {"type_declaration"}}
"""Kinds that the patterns above stand in for."""
_NAMING = ("name", "left", "key", "property")
"""The fields of a node that may hold its name."""
_ID = re.compile(r"""\bid\s*=\s*["']?([\w-]+)""")
_WRAPPERS = {"decorated_definition", "export_statement", "template_declaration"}
_NAME = re.compile(r"[A-Za-z_$][\w$]*[?!]?")


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition. Lines count from 1, both included."""

    name: str
    first: int
    last: int
    kind: Literal["container", "leaf"]


def language_of(path: str) -> str | None:
    """The grammar for a file, by its name; None where there is none."""
    return LANGUAGES.get(PurePosixPath(path).suffix[1:].lower())


def definitions(language: str, data: bytes) -> list[Definition]:
    """Every definition in the file, also nested ones, by where they begin, the outer ones first."""
    from tree_sitter import QueryCursor

    parser, query = _parser(language)
    tree = parser.parse(data)
    found: dict[tuple[int, int], Definition] = {}
    captured = QueryCursor(query).captures(tree.root_node)
    holding = {node.id for node in captured.get("c", ())}
    # Captures come in no order that holds; the outer one of two on the same lines counts.
    for node in sorted((*captured.get("d", ()), *captured.get("c", ())), key=_place):
        if node.parent is None:
            continue
        start = node.start_point.row
        if node.parent.type in _WRAPPERS:
            start = node.parent.start_point.row
        end = node.end_point.row - (node.end_point.column == 0 and node.end_point.row > node.start_point.row)
        kind: Literal["container", "leaf"] = "container" if node.id in holding else "leaf"
        worth = end > start or ("function" in node.type and "preproc" not in node.type) or "method" in node.type
        # A type that is only named, as in a parameter, is no definition of it.
        if worth and (not node.type.endswith("_specifier") or node.child_by_field_name("body") is not None):
            found.setdefault((start, -end), Definition(_name(node, data), start + 1, end + 1, kind))
    return [found[key] for key in sorted(found)]


def _place(node: "Node") -> tuple[int, int, str]:
    return node.start_byte, -node.end_byte, node.type


def _name(node: "Node", data: bytes) -> str:
    if node.type == "element":
        tag = data[node.start_byte : min(node.end_byte, node.start_byte + 400)].decode("utf-8", "replace")
        return match[1] if (match := _ID.search(tag)) else ""
    named = node.child_by_field_name("type") if node.type == "impl_item" else _named(node)
    for _ in range(6):
        inner = node.child_by_field_name("declarator") if named is None else None
        if inner is None:
            break
        node = inner
        named = node.child_by_field_name("name")
        if node.type.endswith("identifier"):
            named = node
    if named is None:
        likely = (child for child in node.named_children if "identifier" in child.type or "name" in child.type)
        # Else one step deeper, as in `const one: Type = 1` and `CREATE VIEW one AS`.
        deeper = (name for child in node.named_children if (name := _named(child)) is not None)
        named = next(likely, None) or next(deeper, node)
    text = data[named.start_byte : min(named.end_byte, named.start_byte + 200)].decode("utf-8", "replace")
    names: list[str] = _NAME.findall(re.split(r"[(<{\n=,]", text)[0])
    return names[-1] if names else ""


def _named(node: "Node") -> "Node | None":
    return next((name for field in _NAMING if (name := node.child_by_field_name(field)) is not None), None)


@cache
def _parser(language: str) -> "tuple[Parser, Query]":
    from tree_sitter import Parser, Query
    from tree_sitter_language_pack import get_language

    grammar = get_language(language)  # type: ignore[arg-type]
    named = [at for at in range(grammar.node_kind_count) if grammar.node_kind_is_named(at)]
    kinds = {kind for at in named if grammar.node_kind_is_visible(at) and (kind := grammar.node_kind_for_id(at))}
    wanted = {kind for kind in kinds if _CONTAINER.match(kind) or _LEAF.match(kind)} - _INSTEAD.get(language, set())
    wanted = {kind for kind in wanted if kind not in _NOT or (language, kind) == ("ruby", "module")}
    if language in ("javascript", "typescript", "tsx"):
        wanted.remove("class")
    patterns = [f"({kind}) @{'c' if _CONTAINER.match(kind) else 'd'}" for kind in sorted(wanted)]
    return Parser(grammar), Query(grammar, " ".join([*patterns, _MORE.get(language, "")]) or "(ERROR) @e")
