"""Writes the completion script for PowerShell, from version 5 on."""

import re
from collections.abc import Iterable, Iterator

from glmcode.cli.shells.cases import Cases, Item
from glmcode.cli.shells.tree import Takes

_SCRIPT = r"""# PowerShell completion for @NAME@; load it with:
#   @NAME@ completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName @PROG@ -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $steps = [System.Collections.Hashtable]::new([StringComparer]::Ordinal)
    $values = [System.Collections.Hashtable]::new([StringComparer]::Ordinal)
    $words = [System.Collections.Hashtable]::new([StringComparer]::Ordinal)
    $flags = [System.Collections.Hashtable]::new([StringComparer]::Ordinal)
@TABLES@
    $at = ''
    $flag = ''
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition -and $wordToComplete -ne '') { break }
        $word = $element.ToString()
        if ($word -eq '--') { return }
        if ($flag -ne '') { $flag = '' }
        elseif ($steps.ContainsKey("$at|$word")) { $at = $steps["$at|$word"] }
        elseif ($values.ContainsKey("$at|$word")) { $flag = $word }
    }
    if ($flag -ne '') { $items = $values["$at|$flag"] }
    elseif ($wordToComplete -like '-*') { $items = $flags[$at] }
    else { $items = $words[$at] }
    foreach ($item in $items) {
        $text, $tip = $item -split "`t", 2
        if ($text.StartsWith($wordToComplete, [StringComparison]::Ordinal)) {
            [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $tip)
        }
    }
}
"""


def script(prog: str, cases: Cases) -> str:
    """The script; where it offers nothing PowerShell completes files itself."""
    tables = [
        *_table("steps", ((f"{at}|{word}", _quote(to)) for at, word, to in cases.steps)),
        *_table("values", ((f"{at}|{flag}", _value(takes)) for at, flag, takes in cases.values)),
        *_table("words", ((at, _list(items)) for at, items in cases.words)),
        *_table("flags", ((at, _list(items)) for at, items in cases.flags)),
    ]
    filled = {"TABLES": "\n".join(tables), "PROG": _quote(prog), "NAME": re.sub(r"[^\w.-]", "_", prog)}
    return re.sub(r"@(TABLES|PROG|NAME)@", lambda match: filled[match.group(1)], _SCRIPT)


def _table(name: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    # One assignment a line: in a literal, keys that differ in case alone would be an error.
    return (f"    ${name}[{_quote(key)}] = {value}" for key, value in rows)


def _value(takes: Takes) -> str:
    return _list(Item(choice) for choice in takes.choices)


def _list(items: Iterable[Item]) -> str:
    # Word and tooltip, which must not be empty, with a tab between.
    return "@(" + ", ".join(_quote(f"{one.word}\t{one.help or one.word}") for one in items) + ")"


def _quote(text: str) -> str:
    # PowerShell takes typographic quotes for quotes.
    return "'" + re.sub("['\u2018\u2019\u201a\u201b]", lambda match: match.group() * 2, text) + "'"
