"""Reads a task: its words by where they stand, the names it mentions, its phrases, its stack traces."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from glmcode.context.index.words import WORD, parts, stem, terms, whole

MAX_TASK_CHARS = 64 * 1024
MAX_TERMS = 320
_STOP_WORDS = (
    "a about after all also am an and any are as at be because been before but by can cannot could did do does doing "
    "don each even every for from get gets give given had has have how i if in into is it "
    "its just like make me more my need no not now of on one only or other our out over please same see should so "
    "some such than that the their them then there these they this those to too under use used using very want was "
    "we were what when where which while who why will with work would you your "
    "bug issue problem expected actual behavior behaviour reproduce steps version description hi thanks"
)
_STOP = frozenset(_STOP_WORDS.split()) | {stem(word) for word in _STOP_WORDS.split()}
_FENCE = re.compile(r"^\s{0,3}(```+|~~~+).*?^\s{0,3}\1", re.MULTILINE | re.DOTALL)
_CODE_LINE = re.compile(r"^(?:    |\t|>>> |\.\.\. |\s*File \"|\s*at ).*$", re.MULTILINE)
_INLINE = re.compile(r"`[^`\n]{1,200}`")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"https?://[^\s)>\]]+")
_FRAME = re.compile(r"\bin ([A-Za-z_]\w*)|^\s*at ([\w.$<>]{1,200})\(|\b([A-Za-z_][\w:.]{0,100})\(\)", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """What someone asks for."""

    text: str

    @cached_property
    def clean(self) -> str:
        """The text without the comments of issue forms; links count as words only by their last part."""
        text = _COMMENT.sub(" ", self.text[:MAX_TASK_CHARS].replace("\r", ""))
        return _LINK.sub(lambda link: " " + link.group().rpartition("/")[2], text)

    @cached_property
    def title(self) -> str:
        """The first line."""
        return next((line for line in self.clean.split("\n") if line.strip()), "")

    @cached_property
    def code(self) -> str:
        """What is set as code, and stack traces."""
        found = [match.group() for match in _FENCE.finditer(self.clean)]
        rest = _FENCE.sub("\n", self.clean)
        found += _CODE_LINE.findall(rest)
        return "\n".join([*found, *_INLINE.findall(rest)])

    @cached_property
    def prose(self) -> str:
        """What is not code."""
        return _INLINE.sub(" ", _CODE_LINE.sub("", _FENCE.sub("\n", self.clean)))

    @cached_property
    def zones(self) -> dict[str, dict[str, float]]:
        """The terms of title, prose and code with their weights."""
        return {name: _weights(text) for name, text in _zones(self)}

    @cached_property
    def names(self) -> dict[str, float]:
        """Names written out, in any spelling, by `whole`: of several parts, or set as code, or called."""
        found: Counter[str] = Counter()
        coded = set(_NAME.findall(self.code))
        for word in _NAME.findall(self.clean):
            if (len(parts(word)) > 1 or word in coded) and len(word) > 2 and word.lower() not in _STOP:
                found[whole(word)] += 1
        return {name: 1 + math.log(times) for name, times in found.most_common(MAX_TERMS)}

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word, by `whole`, and the parts of names."""
        found = {whole(word) for word in WORD.findall(self.clean)}
        return frozenset(found | {part for word in WORD.findall(self.clean) for part in parts(word)})

    @cached_property
    def frames(self) -> frozenset[str]:
        """Functions that a stack trace or the text calls, by `whole`."""
        found = (next(filter(None, groups)) for groups in _FRAME.findall(self.clean))
        return frozenset(whole(re.split(r"[.:]+", name)[-1]) for name in found)

    @cached_property
    def phrases(self) -> frozenset[tuple[str, str]]:
        """Pairs of words that follow each other, as in an error message."""
        stems = [word.lower() for word in WORD.findall(self.clean)]
        return frozenset((one, two) for one, two in pairwise(stems) if not {one, two} <= _STOP)


def _zones(task: Task) -> list[tuple[str, str]]:
    return [("title", task.title), ("prose", task.prose), ("code", task.code)]


def _weights(text: str) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for word in WORD.findall(text):
        if word.lower() not in _STOP:
            counts.update(term for term in terms(word) if len(term) > 1 and term not in _STOP)
    first = list(counts.items())[:MAX_TERMS]
    # Numbers of a report (dates, amounts, sizes) meet those of test data by chance.
    return {term: (1 + math.log(times)) * (0.3 if term.isdecimal() else 1.0) for term, times in first}
