"""What templates must not say, because the content security policy or a reader stumbles on it.

`python -m tools.lint_templates` prints each problem as path:line: text and fails if there is one.
Checked: no script, style or on* attribute in the page itself; a token in every form that posts;
a text for every image; every endpoint named in `url_for`, here and in the code, exists.
"""

import ast
import re
import sys
from collections.abc import Collection, Iterator
from html.parser import HTMLParser
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError, nodes

ROOT = Path(__file__).resolve().parent.parent
_JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
_HANDLER = re.compile(r"on[a-z]+$|hx-on\b")
# As a keyword of a macro that writes its arguments as attributes; `only` or `one` are no handlers.
_HANDLER_KEYWORD = re.compile(
    r"(on(click|change|submit|input|load|focus|blur|key\w+|mouse\w+)|style)$"
)
_TOKENS = ("csrf_token", "csrf_field", "hidden_tag")
_environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True)

# A line (the first is 1) and what is wrong there.
Problem = tuple[int, str]


class _Page(HTMLParser):
    """Goes through the tags of a template whose Jinja has been blanked out."""

    def __init__(self, source: str, *, is_mail: bool) -> None:
        super().__init__(convert_charrefs=False)
        self._is_mail = is_mail
        self.source = source
        self.problems: list[Problem] = []
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._posting_from: tuple[int, int] | None = None
        self._inside = ""
        self.feed(_without_jinja(source))
        self.close()

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def _say(self, what: str) -> None:
        self.problems.append((self.getpos()[0], what))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self._inside = tag
        if tag == "style" and not self._is_mail:
            self._say("a style element; put it in static/css")
        if tag == "script" and "src" not in names:
            self._say("an inline script; put it in static/js")
        if tag == "img" and "alt" not in names:
            self._say('an image without alt; write alt="" if it only adorns')
        if tag == "form" and (names.get("method") or "").lower() == "post":
            self._posting_from = (self.getpos()[0], self._offset())
        for name, value in attrs:
            if name == "style":
                self._say("a style attribute; put it in static/css")
            elif _HANDLER.match(name):
                self._say(f"a handler {name}; put it in static/js")
            elif (value or "").strip().lower().startswith(("javascript:", "js:")):
                self._say(f"a script in {name}; put it in static/js")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._posting_from:
            line, start = self._posting_from
            self._posting_from = None
            if not any(token in self.source[start : self._offset()] for token in _TOKENS):
                self.problems.append((line, "a form that posts without a token; ui.csrf_field()"))

    def close(self) -> None:
        super().close()
        if self._posting_from:
            self.problems.append((self._posting_from[0], "a form that posts and is never closed"))


def _without_jinja(source: str) -> str:
    """The same text, as long and with the same lines, with a letter or blanks for Jinja."""

    def blank(found: re.Match[str]) -> str:
        letter = "x" if found[0].startswith("{{") else " "
        return re.sub(r"[^\n]", letter, found[0])

    return _JINJA.sub(blank, source)


def problems_of_template(
    source: str, endpoints: Collection[str], *, is_mail: bool = False
) -> list[Problem]:
    """What is wrong in a template.

    source: its text. endpoints: names of the views that there are. is_mail: it is sent, to programs
    that fetch no sheet, and may hold its own styles.
    """
    try:
        tree = _environment.parse(source)
    except TemplateSyntaxError as error:
        return [(error.lineno, f"no template: {error.message}")]
    problems = _Page(source, is_mail=is_mail).problems
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "url_for" and call.args:
            problems += [
                (call.lineno, f"no such endpoint: {name}")
                for name in _constants(call.args[0])
                if name not in endpoints
            ]
    for keyword in tree.find_all(nodes.Keyword):
        if _HANDLER_KEYWORD.match(keyword.key):
            problems.append((keyword.lineno, f"an attribute {keyword.key} by a macro"))
    for pair in tree.find_all(nodes.Pair):
        if any(_HANDLER_KEYWORD.match(name) for name in _constants(pair.key)):
            problems.append((pair.lineno, "a handler or style given to a macro"))
    return sorted(problems)


def _constants(node: nodes.Node) -> list[str]:
    """The texts that an expression can be, as far as they are written there."""
    if isinstance(node, nodes.Const):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, nodes.CondExpr):
        return _constants(node.expr1) + (_constants(node.expr2) if node.expr2 else [])
    return []


def problems_of_code(source: str, endpoints: Collection[str]) -> list[Problem]:
    """The calls of `url_for` in Python code that name no endpoint."""
    return [
        (call.lineno, f"no such endpoint: {call.args[0].value!r}")
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "url_for"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and call.args[0].value not in endpoints
    ]


def endpoints_of_portal() -> set[str]:
    """The endpoints of the whole portal, that of development included; needs no database."""
    from portal import create_app
    from portal.config import Settings

    # Never connected to: without an address an embedded server would be started for nothing.
    unused = "postgresql://reda_app@localhost/none"
    app = create_app(Settings(environment="test", database_url=unused))
    return {rule.endpoint for rule in app.url_map.iter_rules()}


def all_problems() -> Iterator[str]:
    """Every problem of every template and view, as path:line: text."""
    endpoints = endpoints_of_portal()
    for path in sorted((ROOT / "templates").rglob("*.*")):
        is_mail = path.parent.name == "emails"
        for line, what in problems_of_template(path.read_text(), endpoints, is_mail=is_mail):
            yield f"{path.relative_to(ROOT)}:{line}: {what}"
    for path in sorted((ROOT / "portal").rglob("*.py")):
        for line, what in problems_of_code(path.read_text(), endpoints):
            yield f"{path.relative_to(ROOT)}:{line}: {what}"


def main() -> int:
    """Print every problem; answers the exit code."""
    problems = list(all_problems())
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
