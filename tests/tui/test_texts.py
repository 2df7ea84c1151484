import string

import pytest

from glmcode.tui import texts
from glmcode.tui.texts import LANGUAGES, language_of


def _fields(value: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(value) if name}


def test_both_languages_say_the_same_things_with_the_same_fields() -> None:
    english, chinese = (texts._table(language) for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    assert [key for key in english if _fields(english[key]) != _fields(chinese[key])] == []
    assert [key for key, value in (english | chinese).items() if not value.strip()] == []


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8", "LANG": "C"}, "zh"),
    ],
)
def test_the_locale_chooses_the_language(environ: dict[str, str], language: str) -> None:
    assert language_of(environ) == language
