"""Sorts files by what they are for, by name and content; what is not text that people wrote is left out."""

import re
from typing import Literal

Kind = Literal[
    "source", "test", "docs", "config", "data", "vendored", "generated",
    "minified", "lock", "binary", "large", "empty", "other",
]  # fmt: skip
"""Those in READABLE are read and ranked; the others are left out."""

MAX_SOURCE_BYTES = 2 * 1024 * 1024
MAX_OTHER_BYTES = 256 * 1024
"""Documents, settings and data above this say little about code for what they cost."""
MAX_TABLE_BYTES = 16 * 1024
READABLE: frozenset[Kind] = frozenset({"source", "test", "docs", "config", "vendored", "generated"})
_LONG_LINE = 400
"""A file whose lines are longer than this on average was not written by hand."""

_LOCK_FILES = {
    *("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "bun.lockb", "go.sum", "gradle.lockfile"),
    *("Package.resolved", "packages.lock.json"),
}
_BINARY = {
    *(".map", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".bmp", ".pdf", ".zip", ".gz", ".xz"),
    *(".bz2", ".zst", ".7z", ".tar", ".jar", ".war", ".whl", ".so", ".o", ".a", ".dll", ".dylib", ".exe", ".class"),
    *(".pyc", ".wasm", ".bin", ".dat", ".db", ".sqlite", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4"),
    *(".wav", ".ogg", ".mov", ".npy", ".npz", ".pt", ".onnx", ".safetensors", ".parquet", ".snap", ".fits", ".mo"),
    *(".xlsx", ".xls", ".ods", ".docx", ".pptx", ".psd", ".ai", ".eps", ".ps", ".h5", ".hdf5", ".pkl", ".ttc"),
}
_DOCS = {".md", ".rst", ".txt", ".adoc", ".mdx", ".markdown", ".org", ".tex"}
_CONFIG = {".toml", ".cfg", ".ini", ".yaml", ".yml", ".json", ".properties", ".conf", ".gradle", ".cmake", ".nix"}
_MARKUP = {".html", ".htm", ".xml", ".svg", ".css", ".scss"}
_TABLES = {".csv", ".tsv", ".log", ".out"}
_DATA = {".po", ".pot", ".ipynb", ".ecsv", ".vcf", ".geojson", ".dic", ".aff", ".eml"}
_CODE = frozenset(
    [
        "py",
        "pyx",
        "pyi",
        "js",
        "jsx",
        "mjs",
        "cjs",
        "ts",
        "tsx",
        "mts",
        "cts",
        "go",
        "rs",
        "java",
        "c",
        "h",
        "cc",
        "cpp",
        "cxx",
        "hpp",
        "hh",
        "rb",
        "php",
        "cs",
        "kt",
        "scala",
        "swift",
        "vue",
        "svelte",
        "lua",
        "sh",
        "y",
        "l",
        "sql",
        "proto",
        "dart",
        "ex",
        "css",
        "scss",
    ]
)
_TEST = re.compile(
    r"(^|/)(tests?|testing|__tests__|specs?|e2e|test[-_]?data|testdata|fixtures?|__snapshots__|__fixtures__|mocks?|"
    r"testsuite|[\w.-]+[-_]tests?|benchmarks?)(/|$)"
    r"|(^|/)(test_[^/]*|conftest\.py)$|[._-](tests?|spec)\.\w+$|[a-z]Tests?\.\w+$"
)
_VENDORED = re.compile(
    r"(^|/)(node_modules|vendor|vendored|third[-_]?party|thirdparty|bower_components|_vendor|extern|externals?|"
    r"deps|dist|\.yarn|\.git)(/|$)"
)
_MINIFIED = re.compile(r"[.-]min\.(js|mjs|css)$")
_DOC_FOLDER = re.compile(r"(^|/)(docs?|documentation|examples?|galleries|tutorials?|samples?|changelogs?|website)(/|$)")
_GENERATED_NAME = re.compile(
    r"(_pb2(_grpc)?\.pyi?|\.pb\.(go|cc|h)|\.g\.dart|_generated\.\w+|\.generated\.\w+|\.designer\.cs)$"
)
_GENERATED = re.compile(
    rb"@generated\b|^\W*(?:code |this file (?:is|was) )?(?:auto-?|automatically )?generated\b[^\n]{0,80}"
    rb"(?:do not (?:edit|modify)|by )",
    re.IGNORECASE | re.MULTILINE,
)


def kind_by_name(path: str) -> Kind:
    """What the path alone says; `source` where nothing speaks against it."""
    name, suffix = _name(path)
    if name in _LOCK_FILES or suffix == ".lock":
        return "lock"
    if suffix in _BINARY:
        return "binary"
    if _MINIFIED.search(name):
        return "minified"
    if suffix in _DATA:
        return "data"
    if _VENDORED.search(path):
        return "vendored"
    if _GENERATED_NAME.search(name):
        return "generated"
    if _TEST.search(path):
        return "test"
    if suffix in _CONFIG:
        return "config"
    return "docs" if suffix in _DOCS or suffix in _TABLES or _DOC_FOLDER.search(path) else "source"


def _name(path: str) -> tuple[str, str]:
    """The name without its folders, and its ending with the dot, in lower case; none for a name like `.git`."""
    name = path.rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    return name, f".{ending.lower()}" if stem and ending else ""


def limit(path: str, kind: Kind) -> int:
    """The size in bytes above which a file is not read."""
    if kind not in READABLE:
        return 0
    _, suffix = _name(path)
    if suffix in _TABLES:
        return MAX_TABLE_BYTES
    return MAX_OTHER_BYTES if suffix in _MARKUP or suffix in _CONFIG or suffix in _DOCS else MAX_SOURCE_BYTES


def kind_by_content(data: bytes, kind: Kind) -> Kind:
    """What the content says, where it says otherwise than the name."""
    if not data:
        return "empty"
    if b"\0" in data[:8192]:
        return "binary"
    if len(data) > 8192 and len(data) / (data.count(b"\n") + 1) > _LONG_LINE:
        return "minified"
    if kind == "source" and b"generated" in (head := data[:1024]).lower() and _GENERATED.search(head):
        return "generated"
    return kind


def is_code(path: str) -> bool:
    """Whether the ending of the name is that of a programming language, a template or a style sheet."""
    return _name(path)[1][1:] in _CODE
