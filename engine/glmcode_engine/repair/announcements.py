"""Tells an answer that only announces its next step from one that is final. English and Chinese."""

import re

_OPENERS = (
    r"(?:let me|let us|let's|i'll|i will|i am going to|i'm going to|i am about to|i'm about to|i need to|i should|"
    r"i have to|i want to|i must|we need to|we should|we'll|i can now|time to|going to)"
)
_LEADS = (
    r"(?:now|next|first|then|so|ok|okay|great|good|perfect|alright|all right|sure|right|and|but|hmm|wait|actually|"
    r"finally|in order to [^,.]{1,60}|to [^,.]{1,60}|before [^,.]{1,60})"
)
_ADVERBS = (
    r"(?:now|next|first|then|also|quickly|just|start by|begin by|continue|go ahead and|try to|try|take a moment to)"
)
_VERBS = (
    "read|open|look at|look into|look for|look up|view|inspect|examine|check|search|find|grep|locate|list|explore|"
    "investigate|run|re-run|rerun|execute|test|try|call|use|create|write|add|edit|fix|update|modify|change|replace|"
    "remove|delete|implement|apply|install|reproduce|verify|see|take a look|make|start|begin|continue|proceed|refactor|"
    "rename|get|fetch|analyze|analyse|review|debug|trace|dig|insert|patch|build|set up|reading|opening|looking|viewing|"
    "inspecting|checking|searching|finding|listing|exploring|running|executing|testing|creating|writing|adding|editing|"
    "fixing|updating|modifying|replacing|removing|implementing|applying|installing|reproducing|verifying|making"
)
_GERUNDS = (
    "reading|opening|looking|inspecting|examining|checking|searching|listing|exploring|running|re-running|executing|"
    "creating|writing|adding|editing|fixing|updating|modifying|implementing|applying|installing|verifying"
)
_NOT_A_STEP = (
    r"(?!\s+(?:through what|in with|that (?:the|an?|it|this|there|we|i)\b|a note\b|a caveat\b|clear\b|sure you\b|"
    r"back to\b))"
)
_INTENT = re.compile(
    rf"(?:{_LEADS}[,:]?\s+){{0,3}}{_OPENERS}\s+(?:{_ADVERBS}\s+){{0,3}}(?:by\s+)?(?:{_VERBS})\b{_NOT_A_STEP}",
    re.IGNORECASE,
)
# Without the dots or the colon it may be a result: "Now reading an empty file gives an empty list."
_PROGRESS = re.compile(rf"(?:{_LEADS}[,:]?\s+){{0,2}}(?:{_GERUNDS})\b[^.!?]*(?:\.\.\.|…|:)\s*$", re.IGNORECASE)
_NOT_MINE = re.compile(
    r"\?|？|\blet me know\b|\bif you\b|\bif needed\b|\bif necessary\b|\bwhen you\b|\bonce you\b|\bonce (?:that|this)\b|"
    r"\bunless\b|\byou(?:'d| would) like\b|\bwould you\b|\bplease\b|\byou can\b|\byou could\b|\byou should\b|\byour\b|"
    r"\b(?:won't|will not|did not|didn't|cannot|can't|not going to)\b|\bfor you\b|\blater\b|\bin the future\b|"
    r"\bin a follow-up\b|\bfollow-up\b|\bwould\b",
    re.IGNORECASE,
)

_CHINESE_VERBS = (
    "看|查|读|搜|找|打开|浏览|检查|运行|执行|测试|试|修改|修复|编辑|创建|新建|写|添加|删除|更新|替换|实现|安装|"
    "分析|调用|使用|验证|确认|继续|开始|定位|复现|重构|列出|了解|获取|探索|调试"
)
_CHINESE = re.compile(
    r"^(?:好的?|现在|那么|首先|接下来|接着|然后|下面|下一步|于是|所以|但是|嗯|明白了|很好|，|,|：|:|\s)*"
    r"(?:让我们?|我们?(?:来|将|会|要|需要|得|先|再|现在|接下来|准备|打算|这就|去)|接下来|现在|下面|首先|继续|正在)"
    r"(?:来|将|会|要|需要|先|再|去|就|开始|继续|一下|快速|仔细|尝试|我|，|\s)*"
    rf"(?:{_CHINESE_VERBS})"
)
_CHINESE_NOT_MINE = re.compile(r"吗|呢|如果|需要的话|您|你|请|建议|可以|以后|已经?|完成|了[。.]?$|没有|不会|不再|无需")

_LIST_ITEM = re.compile(r"\s*(?:[-*+•]\s|\d+[.)、]|#|>|\|)")
_FENCE = re.compile(r"\n[ \t]*```[^\n]*\n(?:(?!```).)*(?:```\s*)?\Z", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'`*(])|(?<=[。！？])|\n")
_MAX_CHARS = 300
_READ_CHARS = 10_000
"""How much of the end of an answer is looked at."""


def announces(text: str) -> bool:
    """Whether an answer ends by saying what it does next, so that a tool call should have followed.

    Only its last sentence counts. Offers, questions, conditions, lists of steps and what was done do not.
    """
    text = text[-_READ_CHARS:].strip()
    without_code = _FENCE.sub("", "\n" + text).strip()
    if without_code != text and not without_code.endswith((":", "：")):
        return False
    last = next((part.strip() for part in reversed(_SENTENCE_END.split(without_code)) if part and part.strip()), "")
    line = without_code.rsplit("\n", 1)[-1]
    if not last or len(last) > _MAX_CHARS or _LIST_ITEM.match(line):
        return False
    last = last.strip("*_ ").replace("’", "'")
    if re.search("[\u4e00-\u9fff]", last):
        return bool(_CHINESE.match(last)) and not _CHINESE_NOT_MINE.search(last)
    if _NOT_MINE.search(last):
        return False
    return bool(_INTENT.match(last) or _PROGRESS.match(last))
