"""Look for phrases that a native speaker would not write in texts that users read: `python -m scripts.wording`, run by `make lint`.

It checks the help texts of commands, messages and hints of errors, notices, descriptions of routes and fields, log events, the
page's texts, and the prose of README.md, SECURITY.md, CHANGELOG.md and every Markdown file in docs/, leaving out code blocks and
`inline code`. It does not check docstrings and comments, which are for contributors, except a command's docstring, which is its help.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHRASES = {
    r"\bso many\b": 'say "at most N", or name the number',
    r"\bby lot\b": "random",
    r"\bmend(s|ed)?\b": "fix",
    r"\btold\b(?! apart)|\btells? of\b": "shown, named, printed or reported",
    r"(?<!here )\b(is|are) no (?!longer\b|more\b|better\b)[a-z]+\b": "is not a ...",
    r"\bof the model\b": "uses model",
    r"\b(pictures|requests|rows|searches|pairs|questions|images|items|bytes|pixels) a (second|request|class|batch|group|minute|page)\b": "per",
    r"\b[Ww]ho (asks|wants|may|has|is|looks|runs)\b": "name the user, client or operator",
    r"\bwhat (waits|is in hand|is meant|comes of)\b": "name it",
    r"\bit may be meant\b|\bmay be meant\b": "Did you mean ...?",
    r"\b(stands|stand) (in|at|for|beside)\b": "is in, is at, means",
    r"\bin work\b": "being processed",
    r"\bthe same item meets\b": "items already stored are overwritten",
    r"\bthere is no such thing\b": "Not found",
}  # fmt: skip
"""Maps a pattern to what to write instead."""
_TEXT = re.compile(r"[a-z]{2,}\s+[a-z]{2,}", re.IGNORECASE)
_JS_TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
_MARKDOWN_CODE = re.compile(r"``.+?``|`[^`]*`")
_MARKDOWN_START = re.compile(r" {0,3}(\||#|>|[-*+] |\d+\. )")
"""What begins a text of its own without a blank line before it: a table row, heading, quotation or list item."""
_AROUND = 40  #: Characters shown on each side of a phrase.


def main() -> int:
    """Print each place with its phrase; return 1 if there is any."""
    found = [*_python(), *_page(), *_documents()]
    for line in found:
        sys.stdout.write(f"{line}\n")
    return 1 if found else 0


def _python() -> Iterator[str]:
    for path in _tracked("vitrine", "producer", "workers", "api", ending=".py"):
        for line, text in _user_texts(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            yield from _judged(f"{path}:{line}", text)


def _user_texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings and _TEXT.search(node.value):
                yield node.lineno, node.value
        elif isinstance(node, ast.FunctionDef) and _is_command_or_route(node):
            yield node.lineno, ast.get_docstring(node) or ""


def _is_command_or_route(node: ast.FunctionDef) -> bool:
    return any(
        re.search(r"\bcommand\(|\brouter\.(get|post|put|delete)\(", ast.unparse(decorator))
        for decorator in node.decorator_list
    )


def _page() -> Iterator[str]:
    for path in _tracked("api/web", ending=".js"):
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
            if not line.lstrip().startswith("//"):
                for match in _JS_TEXT.finditer(line):
                    text = re.sub(r"\$\{[^}]*\}", "", match[1] or match[2] or "")
                    yield from _judged(f"{path}:{number}", text)


def _documents() -> Iterator[str]:
    for path in _tracked("README.md", "SECURITY.md", "CHANGELOG.md", "docs", ending=".md"):
        for line, text in _prose((ROOT / path).read_text(encoding="utf-8")):
            yield from _judged(f"{path}:{line}", text)


def _prose(markdown: str) -> Iterator[tuple[int, str]]:
    """Yield each paragraph, list item, table row and heading on one line, with the number of its first line."""
    first, gathered = 0, list[str]()
    for number, line in enumerate([*_without_code(markdown), ""], 1):
        if gathered and (not line.strip() or _MARKDOWN_START.match(line) or gathered[0][0] == "#"):
            yield first, " ".join(gathered)
            gathered = []
        if line.strip():
            first = first if gathered else number
            gathered.append(line.strip())


def _without_code(markdown: str) -> Iterator[str]:
    """Yield every line, with code in it replaced by CODE, and an empty one for each line of a code block."""
    fenced, text_before = False, False
    for line in markdown.splitlines():
        fence = line.lstrip().startswith("```")
        # Four spaces continue a text, and begin code after a blank line or a heading.
        code = fence or fenced or (line.startswith("    ") and not text_before)
        fenced ^= fence
        text_before = not code and bool(line.strip()) and not line.startswith("#")
        yield "" if code else _MARKDOWN_CODE.sub("CODE", line)


def _judged(place: str, text: str) -> Iterator[str]:
    text = " ".join(text.split())
    for pattern, instead in PHRASES.items():
        match = re.search(pattern, text)
        if match:
            shown = text[max(0, match.start() - _AROUND) : match.end() + _AROUND]
            yield f"{place}: {match.group()!r} in {shown!r}; write: {instead}"


def _tracked(*folders: str, ending: str) -> list[str]:
    listed = subprocess.check_output(["git", "ls-files", "-z", *folders], cwd=ROOT, text=True)
    return [name for name in listed.split("\0") if name.endswith(ending)]


if __name__ == "__main__":
    sys.exit(main())
