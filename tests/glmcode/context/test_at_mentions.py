import pytest

from glmcode.context.mentions import named

PATHS = ["src/a.py", "a.py", "node_modules/@types/node/index.d.ts", "src/due book.py", "app.py"]


@pytest.mark.parametrize(
    ("task", "surest"),
    [
        ("see @src/a.py now", "src/a.py"),
        ("请看@src/a.py，谢谢", "src/a.py"),
        ('read @"src/due book.py" first', "src/due book.py"),
        ("in @types/node/index.d.ts", "node_modules/@types/node/index.d.ts"),
        ("in node_modules/@types/node/index.d.ts", "node_modules/@types/node/index.d.ts"),
    ],
)
def test_what_stands_after_an_at_sign_is_a_path(task: str, surest: str) -> None:
    assert {path for path, (tier, _) in named(task, PATHS).items() if tier == 3} == {surest}


def test_a_line_after_it_counts_and_an_address_is_no_path() -> None:
    assert named("see @src/a.py:12", PATHS)["src/a.py"] == (3, (12,))
    assert named('mail me@example.org or @"missing.py"', PATHS) == {}
