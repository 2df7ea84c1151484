import pytest

from glmcode.fix.testfiles import is_test_path


@pytest.mark.parametrize(
    "path",
    [
        "tests/helpers.py", "pkg/test_a.py", "pkg/a_test.py", "conftest.py", "src/__tests__/a.ts", "a.test.tsx",
        "a.spec.mjs", "a_test.go", "pkg/testdata/x.json", "spec/a_spec.rb", "src/test/java/A.java",
        "ATest.java", "TestA.kt", "AIT.java", "pkg/tests.py", "src/__snapshots__/a.snap",
    ],
)  # fmt: skip
def test_tests_are_known_by_the_conventions_of_their_runners(path: str) -> None:
    assert is_test_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "src/a.py", "latest.py", "contest.go", "attest/a.py", "src/testable.py", "Contest.java", "protest.ts",
        "tests.md.py", "pytest.ini", "src/a.tests", "mytests/a.py", "src/aspec.rb",
    ],
)  # fmt: skip
def test_words_that_only_look_alike_are_source(path: str) -> None:
    assert not is_test_path(path)
