"""Reads a task: its words by where they stand, the names it mentions, its phrases, its stack traces."""

import itertools
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
MAX_FENCES = 500
# Nothing here repeats what may repeat again inside: a hostile task must not cost more than about linear time.
_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)", re.MULTILINE)
_CODE_LINE = re.compile(r"^(?:    |\t|>>> |\.\.\. |[ \t]*File \"|[ \t]*at ).*$", re.MULTILINE)
_INLINE = re.compile(r"`[^`\n]{1,200}`")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_LINK = re.compile(r"https?://[^\s)>\]]+")
_FRAME = re.compile(r"\bin ([A-Za-z_]\w*)|^[ \t]*at ([\w.$<>]{1,200})\(|\b([A-Za-z_][\w:.]{0,100})\(\)", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """What someone asks for."""

    text: str

    @cached_property
    def clean(self) -> str:
        """The text without the comments of issue forms; links count as words only by their last part."""
        text = _without_comments(self.text[:MAX_TASK_CHARS].replace("\r", ""))
        return _LINK.sub(lambda link: " " + link.group().rpartition("/")[2], text)

    @cached_property
    def title(self) -> str:
        """The first line."""
        return next((line for line in self.clean.split("\n") if line.strip()), "")

    @cached_property
    def code(self) -> str:
        """What is set as code, and stack traces."""
        found, rest = self._parted
        found = [*found, *_CODE_LINE.findall(rest)]
        return "\n".join([*found, *_INLINE.findall(rest)])

    @cached_property
    def prose(self) -> str:
        """What is not code."""
        return _INLINE.sub(" ", _CODE_LINE.sub("", self._parted[1]))

    @cached_property
    def _parted(self) -> tuple[list[str], str]:
        """The fenced blocks, and the rest."""
        found, rest, end = [], [], 0
        for first, last in _fenced(self.clean):
            found.append(self.clean[first:last])
            rest.append(self.clean[end:first])
            end = last
        return found, "\n".join([*rest, self.clean[end:]])

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


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return " ".join([*kept, text[at:]])


def _fenced(text: str) -> list[tuple[int, int]]:
    """Where the fenced blocks of a text begin and end, their marks included; one that is never closed is none."""
    marks = [(one.start(), one.start(1), one[1]) for one in itertools.islice(_FENCE.finditer(text), MAX_FENCES)]
    found: list[tuple[int, int]] = []
    for at, (first, _, mark) in enumerate(marks):
        if found and first < found[-1][1]:
            continue
        alike = [(start, own) for _, start, own in marks[at + 1 :] if own[0] == mark[0]]
        # Best one that is as long, else the next of its kind.
        start, own = next((one for one in alike if len(one[1]) >= len(mark)), alike[0] if alike else (0, ""))
        if own:
            found.append((first, start + min(len(own), len(mark))))
    return found


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
