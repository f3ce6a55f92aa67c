"""The text of a template: a small part of Markdown, with fields that are filled in.

Headings, paragraphs, bold and italic, lists and tables; a line of three hyphens begins a new page,
and `{{case.reference}}` is a field. There are no links, pictures, code or HTML: what looks like it
is text. What is put into a field is text as well, and is never read as a field or as markup.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup

from portal.messages import N_, Problem, RedaError

LONGEST = 50_000
# A text is put into each field, so that their number decides how long it can become.
MOST_FIELDS = 500
# No more is told at a time of what is wrong.
_MOST_TOLD = 10
_FIELD = re.compile(r"\{\{[ \t]*([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)[ \t]*\}\}")
# Characters without a shape, and those that turn the text beside them around.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
_ALIGNED = {"text-align:right": "end", "text-align:center": "middle"}


@dataclass(frozen=True)
class Found:
    """A field in a text, and the line it stands on, from 1."""

    name: str
    line: int


def tidy(text: str) -> str:
    """A text as it is kept: lines end alike, and nothing stands behind them."""
    return "\n".join(one.rstrip() for one in re.split(r"\r\n?|\n", text)).strip("\n")


def is_visible(text: str) -> bool:
    """Whether every character of a text can be seen, and none turns others around."""
    return not _INVISIBLE.search(text)


def require_whole(text: str, known: Collection[str]) -> None:
    """Raises NotWhole at `body` unless the text can be used. known: names of its fields."""
    if problems := _problems(text, known):
        raise NotWhole(problems)


class NotWhole(RedaError):
    """A template's text that cannot be used, and all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(first.message, field="body", **first.values)
        self.problems = problems


def _problems(text: str, known: Collection[str]) -> list[Problem]:
    if not text.strip():
        return [Problem(N_("Write the text."), field="body")]
    if len(text) > LONGEST:
        too_long = N_("The text is too long. At most %(most)s characters fit.")
        return [Problem(too_long, {"most": LONGEST}, "body")]
    found: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not is_visible(line):
            told = N_("Line %(line)s holds a character that cannot be seen. Type the line again.")
            found.append(Problem(told, {"line": number}, "body", number))
    fields = fields_of(text)
    found += [
        Problem(
            N_("Line %(line)s: there is no field named %(name)s."),
            {"line": one.line, "name": one.name}, "body", one.line,
        )
        for one in fields
        if one.name not in known
    ]  # fmt: skip
    for number, line in enumerate(_FIELD.sub("", text).split("\n"), start=1):
        if "{{" in line or "}}" in line:
            told = N_("Line %(line)s: a field is written as {{case.reference}}, in small letters.")
            found.append(Problem(told, {"line": number}, "body", number))
    if len(fields) > MOST_FIELDS:
        told = N_("There are too many fields. At most %(most)s can be used.")
        found.append(Problem(told, {"most": MOST_FIELDS}, "body"))
    return sorted(found, key=lambda one: one.line or 0)[:_MOST_TOLD]


def fields_of(text: str) -> list[Found]:
    """The fields of a text, in the order they stand in it."""
    return [Found(one[1], text.count("\n", 0, one.start()) + 1) for one in _FIELD.finditer(text)]


def render(text: str, values: Mapping[str, str], blanks: Mapping[str, str] | None = None) -> Markup:
    """A text as HTML, with its fields filled in.

    values: what stands in each field. blanks: what is shown, marked, in fields that have no value;
    without them such a field is left empty.
    """
    environment = {"values": values, "blanks": blanks or {}}
    tokens = _READER.parse(text, environment)
    for token in _every(tokens):
        style = token.attrs.pop("style", None)
        if style in _ALIGNED:
            token.attrSet("class", _ALIGNED[str(style)])
    made: str = _READER.renderer.render(tokens, _READER.options, environment)
    return Markup(made)  # noqa: S704 - the renderer has escaped all that is text


def _every(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        # The document's own title stands above the text, so that its headings begin below it.
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 1, 4)}"
        yield token


def _read_field(state: StateInline, silent: bool) -> bool:
    found = _FIELD.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("field", "", 0).content = found[1]
    state.pos = found.end()
    return True


def _show_field(
    self: object, tokens: Sequence[Token], place: int, options: object, env: Mapping[str, object]
) -> str:
    name, values, blanks = tokens[place].content, env["values"], env["blanks"]
    assert isinstance(values, Mapping)
    assert isinstance(blanks, Mapping)
    if value := values.get(name):
        return "<br>".join(escapeHtml(line) for line in value.split("\n"))
    return f'<mark class="blank">{escapeHtml(blanks[name])}</mark>' if name in blanks else ""


def _show_page_break(
    self: object, tokens: Sequence[Token], place: int, options: object, env: object
) -> str:
    return '<div class="page-break"></div>\n'


def _reader() -> MarkdownIt:
    reader = MarkdownIt("zero", {"html": False, "breaks": True}).enable(
        ["heading", "list", "table", "hr", "newline", "emphasis", "escape"]
    )
    # Before what takes text as it comes, and a backslash before a brace.
    reader.inline.ruler.before("text", "field", _read_field)
    reader.add_render_rule("field", _show_field)
    reader.add_render_rule("hr", _show_page_break)
    return reader


_READER = _reader()
