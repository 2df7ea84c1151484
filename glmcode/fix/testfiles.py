"""Which paths of a change are tests: by the conventions of the runners we know."""

import re

_TEST_FOLDERS = frozenset(
    {"test", "tests", "testing", "__tests__", "spec", "specs", "testdata", "fixtures", "__snapshots__"}
)
_TEST_NAME = re.compile(
    r"""
    ^test_.*\.py$ | ^.*_tests?\.(py|go|rb|exs|c|cc|cpp|rs)$ | ^tests?\.py$ | ^conftest\.py$
    | ^.*\.(test|spec)\.[cm]?[jt]sx?$ | ^.*_(spec)\.rb$
    | ^(Test.*|.*Tests?|.*TestCase|.*IT)\.(java|kt|scala|groovy|cs|php)$
    """,
    re.VERBOSE,
)


def is_test_path(path: str) -> bool:
    """Whether a path, relative to the repository, belongs to the tests rather than to the source."""
    *folders, name = path.split("/")
    return any(folder in _TEST_FOLDERS for folder in folders) or _TEST_NAME.match(name) is not None
