"""The catalogues: gather texts, compile them, and tell what is wrong with a translation.

`python -m tools.translations update` writes new texts into every catalogue and lists what lacks a
translation; `compile` makes the .mo files that the portal reads; `check` fails on anything wrong.

Two domains: `debtor` holds what a debtor may see, and is translated into every language; `staff`
holds the rest. A text that both may see lies in `debtor` only.
"""

import io
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from gettext import c2py
from pathlib import Path

from babel.core import Locale
from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import TemplateSyntaxError

# Not portal.config's: this must run before the portal can.
ROOT = Path(__file__).resolve().parent.parent
# What only staff see. Anything else may reach a debtor, so that a forgotten folder is translated
# into too many languages rather than too few.
STAFF = (
    "portal/companies/*",
    "portal/creditor/*",
    "portal/operations/*",
    "portal/reporting/*",
    "portal/signing/*",
    "portal/sources/*",
    "portal/collection/attachments.py",
    "portal/collection/changes.py",
    "portal/collection/bulk.py",
    "portal/collection/checks.py",
    "portal/collection/customers.py",
    "portal/collection/days.py",
    "portal/collection/drafts.py",
    "portal/collection/effects.py",
    "portal/collection/file_types.py",
    "portal/collection/holding.py",
    "portal/collection/intake.py",
    "portal/collection/notes.py",
    "portal/collection/policy.py",
    "portal/collection/rates.py",
    "portal/collection/rulebook.py",
    "portal/collection/saved_views.py",
    "portal/collection/stops.py",
    "portal/collection/together.py",
    "portal/law/calendar.py",
    "portal/law/demand.py",
    "portal/law/fees.py",
    "portal/law/interest.py",
    "portal/law/limitation.py",
    "portal/law/reminder.py",
    "portal/law/settlement.py",
    "portal/law/statement.py",
    "portal/notifications/*",
    "portal/jobs.py",
    "portal/cli.py",
    "templates/creditor/*",
    "templates/letters/report.html",
    "templates/components/bell.html",
    # E-mails to people who sign in; others go to debtors.
    "templates/emails/_mail.*",
    "templates/emails/address.*",
    "templates/emails/_words.html",
    "templates/emails/digest.*",
    "templates/emails/invitation.*",
    "templates/emails/notification.*",
    "templates/operations/*",
    "templates/signing/*",
)
CATALOGUES = (
    ("debtor", "sv"),
    ("debtor", "en"),
    ("debtor", "ar"),
    ("staff", "sv"),
    ("staff", "en"),
)
# The language that the texts are written in: its catalogue repeats them.
SOURCE = "en"
REVIEW = "X-Reda-Review"
_KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "N_": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}
_PLACE = re.compile(r"%\((\w+)\)([a-z])")
_TAG = re.compile(r"</?[a-z][^>]*>")

# A text and its plural (or None), and the context that tells it from one spelt alike (or None).
Key = tuple[str | None, str, str | None]


@dataclass(frozen=True)
class Fault:
    """Something wrong in a catalogue: which, with what text, and what is wrong."""

    domain: str
    locale: str
    text: str
    what: str

    def __str__(self) -> str:
        return f"{self.locale}/{self.domain}: {self.what}: {self.text!r}"


class Unreadable(Exception):
    """A file cannot be parsed, so its texts cannot be found; the text names it."""


class ReviewedCatalog(Catalog):
    """A catalogue whose header says who has read it, and has no dates that change by themselves."""

    review = "machine"

    def _get_headers(self) -> list[tuple[str, str]]:
        return [
            ("Project-Id-Version", "Reda"),
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            # Babel leaves the last line open.
            (REVIEW, f"{self.review}\n"),
        ]

    mime_headers = property(_get_headers, Catalog._set_mime_headers)


def path_of(folder: Path, domain: str, locale: str) -> Path:
    """Where the catalogue of a domain and language lies."""
    return folder / locale / "LC_MESSAGES" / f"{domain}.po"


def extract(root: Path = ROOT) -> dict[str, list[Message]]:
    """Every text in the code and the templates below a folder, by domain.

    Raises Unreadable when a file is no Python or no template.
    """
    found: dict[str, dict[Key, Message]] = {"debtor": {}, "staff": {}}
    for folder in ("portal", "templates"):
        if not (root / folder).exists():
            continue
        for name, message in _messages(root, folder):
            found[domain_of(name)].setdefault(_key(message), message)
    for shared in found["debtor"].keys() & found["staff"].keys():
        del found["staff"][shared]
    return {domain: list(messages.values()) for domain, messages in found.items()}


def _messages(root: Path, folder: str) -> Iterator[tuple[str, Message]]:
    with (ROOT / "babel.cfg").open() as config:
        methods, options = parse_mapping_cfg(config)
    current = ""

    def remember(name: str, method: str, of_method: object) -> None:
        nonlocal current
        current = name

    try:
        for name, _, message_id, comments, context in extract_from_dir(
            root, methods, options, keywords=_KEYWORDS, comment_tags=("Translators:",),
            strip_comment_tags=True, callback=remember,
            directory_filter=lambda path: Path(path).relative_to(root).parts[0] == folder,
        ):  # fmt: skip
            yield name, Message(message_id, context=context, auto_comments=comments)
    except (SyntaxError, TemplateSyntaxError) as error:
        raise Unreadable(f"{current}: {error}") from error


def domain_of(name: str) -> str:
    """The domain of the texts in a file, named from the root: `debtor` or `staff`."""
    name = name.replace(os.sep, "/")
    return "staff" if any(fnmatch(name, pattern) for pattern in STAFF) else "debtor"


def _key(message: Message) -> Key:
    ids = message.id if isinstance(message.id, (tuple, list)) else (message.id, None)
    return message.context, ids[0], ids[1]


def read(path: Path, locale: str, domain: str) -> ReviewedCatalog:
    """A catalogue as it lies on disk; an empty one when there is none."""
    catalog = _empty(locale, domain)
    if not path.exists():
        return catalog
    content = path.read_bytes()
    found = read_po(io.BytesIO(content), locale=locale, domain=domain)
    for message in found:
        if message.id:
            catalog[message.id] = message
    catalog.obsolete = found.obsolete
    header = re.search(rf'"{REVIEW}: (.*?)(\\n)?"', content.decode())
    catalog.review = header[1] if header else ""
    return catalog


def _empty(locale: str, domain: str) -> ReviewedCatalog:
    return ReviewedCatalog(
        locale=Locale.parse(locale),
        domain=domain,
        fuzzy=False,
        header_comment=f"# {domain}, {locale}",
    )


def write(path: Path, catalog: ReviewedCatalog) -> None:
    """Write a catalogue, sorted and without line numbers, so that a change shows as a change."""
    content = io.BytesIO()
    write_po(content, catalog, width=98, no_location=True, sort_output=True, ignore_obsolete=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())


def update(folder: Path = ROOT / "translations", root: Path = ROOT) -> list[Fault]:
    """Write the texts of the code into every catalogue; answers what is wrong afterwards.

    Translations of texts that are still there are kept, also of one that changed its domain.
    """
    texts = extract(root)
    for locale in dict.fromkeys(locale for _, locale in CATALOGUES):
        old = {
            domain: read(path_of(folder, domain, locale), locale, domain)
            for domain in ("debtor", "staff")
        }
        known = {_key(m): m for catalog in old.values() for m in catalog if m.id and _is_said(m)}
        for domain in (domain for domain, other in CATALOGUES if other == locale):
            catalog = _empty(locale, domain)
            catalog.review = old[domain].review
            for message in texts[domain]:
                catalog[message.id] = _with_translation(message, known, locale)
            write(path_of(folder, domain, locale), catalog)
    return check(folder, texts)


def _with_translation(message: Message, known: dict[Key, Message], locale: str) -> Message:
    before = known.get(_key(message))
    if locale == SOURCE:
        said: str | list[str] | tuple[str, ...] | None = message.id
    else:
        said = before.string if before else ""
    return Message(
        message.id, said, context=message.context, auto_comments=message.auto_comments,
        user_comments=before.user_comments if before else (),
        flags=(before.flags & {"fuzzy"}) if before and locale != SOURCE else (),
    )  # fmt: skip


def _said(message: Message) -> list[str]:
    string = message.string
    return list(string) if isinstance(string, (tuple, list)) else [string or ""]


def _is_said(message: Message) -> bool:
    return all(_said(message))


def compile_all(folder: Path = ROOT / "translations") -> list[Path]:
    """Make the .mo of every catalogue that has none or is newer than it; answers those made."""
    made = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        catalog = read(source, source.parent.parent.name, source.stem)
        # Renamed into place, so that a server that starts just now never reads half a file.
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        with partial.open("wb") as out:
            write_mo(out, catalog)
        partial.replace(target)
        made.append(target)
    return made


def check(
    folder: Path = ROOT / "translations", texts: dict[str, list[Message]] | None = None
) -> list[Fault]:
    """Everything wrong in the catalogues.

    texts: what the code says, by domain; default what `extract` finds.
    """
    texts = extract() if texts is None else texts
    faults: list[Fault] = []
    for domain, locale in CATALOGUES:
        catalog = read(path_of(folder, domain, locale), locale, domain)
        faults += [
            Fault(domain, locale, text, what) for text, what in faults_of(catalog, texts[domain])
        ]
    return faults


def faults_of(catalog: ReviewedCatalog, texts: Iterable[Message]) -> Iterator[tuple[str, str]]:
    """What is wrong in one catalogue, as text and fault.

    texts: what the code says in this domain.
    """
    if not re.fullmatch(r"machine|native \d{4}-\d\d-\d\d", catalog.review):
        yield REVIEW, "says neither machine nor native and a date"
    wanted = {_key(message): message for message in texts}
    there = {_key(message): message for message in catalog if message.id}
    for key in wanted.keys() - there.keys():
        yield key[1], "missing, run make translations"
    for key in there.keys() - wanted.keys():
        yield key[1], "not used any more, run make translations"
    for message in catalog.obsolete.values():
        yield _key(message)[1], "obsolete, run make translations"
    for key in there.keys() & wanted.keys():
        for what in _faults_of_message(there[key], catalog):
            yield key[1], what


def _faults_of_message(message: Message, catalog: ReviewedCatalog) -> Iterator[str]:
    if message.fuzzy:
        yield "fuzzy"
    if not _is_said(message):
        yield "not translated"
        return
    if not isinstance(message.id, (tuple, list)):
        yield from _differences(message.id, str(message.string), may_lack=0)
        if str(catalog.locale) == SOURCE and message.string != message.id:
            yield "the English text says something else"
        return
    said = _said(message)
    if len(said) != catalog.num_plurals:
        yield f"has {len(said)} plural forms, not {catalog.num_plurals}"
    single = _forms_of_one_number(catalog)
    for number, form in enumerate(said):
        # "One reminder" and the Arabic dual say the number without the digit.
        yield from _differences(message.id[1], form, may_lack=int(number in single))


def _forms_of_one_number(catalog: ReviewedCatalog) -> set[int]:
    """The plural forms that stand for one number only, of the first thousand."""
    form_of = c2py(catalog.plural_expr)
    numbers = Counter(form_of(n) for n in range(1000))
    return {form for form, count in numbers.items() if count == 1}


def _differences(text: str, said: str, *, may_lack: int) -> Iterator[str]:
    places, given = set(_PLACE.findall(text)), set(_PLACE.findall(said))
    if given - places or len(places - given) > may_lack:
        wanted, found = (sorted(f"%({n}){c}" for n, c in some) for some in (places, given))
        yield f"placeholders {found}, not {wanted}"
    elif places:
        try:
            said % {name: 1 for name, _ in places}
        except (ValueError, TypeError, KeyError):
            yield "a per cent sign that is not written %%"
    if Counter(_TAG.findall(text)) != Counter(_TAG.findall(said)):
        yield "other markup than in the text"
    if text[:1].isspace() != said[:1].isspace() or text[-1:].isspace() != said[-1:].isspace():
        yield "begins or ends with another space"


def main(arguments: list[str]) -> int:
    """Do what the command line says; answers the exit code."""
    match arguments:
        case ["update"]:
            for fault in (faults := update()):
                print(fault)
            print(f"Catalogues are written; {len(faults)} texts lack something.")
            compile_all()
            return 0
        case ["compile"]:
            compile_all()
            return 0
        case ["check"]:
            for fault in (faults := check()):
                print(fault)
            return 1 if faults else 0
    print("Usage: python -m tools.translations update | compile | check")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
