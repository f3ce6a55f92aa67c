"""The catalogues: gather texts, compile them, and tell what is wrong with a translation.

`python -m tools.translations update` writes new texts into every catalogue and lists what lacks a
translation; `compile` makes the .mo files that the portal reads; `check` fails on anything wrong.

The plural forms of a language are CLDR's and stand in CLDR's order: zero, one, two, few, many,
other, those of them that the language has. The Swedish, English and Arabic catalogues must be
whole; another may lack texts (the language is not offered then), but what is there must be right.

Two domains: `debtor` holds what a debtor may see, and is translated into every language; `staff`
holds the rest. A text that both may see lies in `debtor` only.
"""

import csv
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

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from babel.plural import to_gettext
from jinja2 import TemplateSyntaxError

from portal.locales import LACKS, LANGUAGES, REVIEW, WHOLE, locale_of

# Not portal.config's: this must run before the portal can.
ROOT = Path(__file__).resolve().parent.parent
# The terms that every use of is held to the glossary: names, and words that law gives a meaning.
HELD = frozenset(
    re.findall(
        r"\w+",
        "creditor invoice interest fee reminder demand receipt plan objection enforcement remark "
        "bankgiro ocr debtcollection counsellor paymentorder restructuring limitation seizure "
        "guardian estate organisationnumber identitynumber",
    )
)
_OTHER_FEES = re.compile("reminder fee|plan fee", re.IGNORECASE)
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
    "portal/law/situations.py",
    "portal/law/settlement.py",
    "portal/law/statement.py",
    "portal/payments/bank_files/*",
    "portal/payments/commission.py",
    "portal/payments/payouts.py",
    "portal/payments/chargebacks.py",
    "portal/payments/closing.py",
    "portal/payments/own_share.py",
    "portal/payments/paying_in.py",
    "portal/payments/refunds.py",
    "portal/payments/releasing.py",
    "portal/payments/statuses.py",
    "portal/payments/deciding.py",
    "portal/payments/taking_back.py",
    "portal/payments/taking.py",
    "portal/payments/transfers.py",
    "portal/notifications/*",
    "portal/jobs.py",
    "portal/cli.py",
    "templates/creditor/*",
    "templates/letters/evidence.html",
    "templates/letters/report.html",
    "templates/letters/statement.html",
    "templates/letters/verification.html",
    "templates/components/bell.html",
    # E-mails to people who sign in; others go to debtors.
    "templates/emails/_mail.*",
    "templates/emails/address.*",
    "templates/emails/_words.html",
    "templates/emails/digest.*",
    "templates/emails/invitation.*",
    "templates/emails/notification.*",
    "templates/operations/*",
    "templates/payouts/*",
    "templates/signing/*",
)
# CLDR's names of plural forms, in the order that they have in a catalogue.
FORMS = ("zero", "one", "two", "few", "many", "other")
STAFF_LANGUAGES = ("sv", "en")
# The language that the texts are written in: its catalogue repeats them.
SOURCE = "en"
# A text that a native has read carries this flag until it is changed.
READ = "read-by-native"
_KEPT_FLAGS = {"fuzzy", READ}
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
    # Told in the compiled file only: how many texts are not translated.
    lacks: int | None = None

    def __init__(self, code: str, domain: str) -> None:
        super().__init__(
            locale=locale_of(code), domain=domain, fuzzy=False, header_comment=f"# {domain}, {code}"
        )
        self.code = code
        self._num_plurals, self._plural_expr = plural_rule(code)  # type: ignore[assignment]

    def _get_headers(self) -> list[tuple[str, str]]:
        lacks = [] if self.lacks is None else [(LACKS, str(self.lacks))]
        return [
            *lacks,
            ("Project-Id-Version", "Reda"),
            ("Language", self.code),
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
    catalog = ReviewedCatalog(locale, domain)
    if not path.exists():
        return catalog
    content = path.read_bytes()
    found = read_po(io.BytesIO(content), locale=str(locale_of(locale)), domain=domain)
    for message in found:
        if message.id:
            catalog[message.id] = message
    catalog.obsolete = found.obsolete
    header = re.search(rf'"{REVIEW}: (.*?)(\\n)?"', content.decode())
    catalog.review = header[1] if header else ""
    return catalog


def plural_rule(code: str) -> tuple[int, str]:
    """How many plural forms a language has, and gettext's expression for which one a number takes.

    They are CLDR's. Its numbers in compact form ("2 million" as 2e6, operands c and e) never
    come up here.
    """
    told = to_gettext(locale_of(code).plural_form)
    count, _, rule = told.removeprefix("nplurals=").partition("; plural=")
    return int(count), re.sub(r"\b[ce]\b", "0", rule.rstrip(";"))


def catalogues(folder: Path) -> list[tuple[str, str]]:
    """Every catalogue there is or must be, as domain and language."""
    return [
        (domain, code)
        for domain in ("debtor", "staff")
        for code in LANGUAGES
        if (code in STAFF_LANGUAGES if domain == "staff" else code in WHOLE)
        or path_of(folder, domain, code).exists()
    ]


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
    there = catalogues(folder)
    for locale in dict.fromkeys(locale for _, locale in there):
        old = {
            domain: read(path_of(folder, domain, locale), locale, domain)
            for domain in ("debtor", "staff")
        }
        known = {_key(m): m for catalog in old.values() for m in catalog if m.id and _is_said(m)}
        for domain in (domain for domain, other in there if other == locale):
            catalog = ReviewedCatalog(locale, domain)
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
        flags=(before.flags & _KEPT_FLAGS) if before and locale != SOURCE else (),
    )  # fmt: skip


def _said(message: Message) -> list[str]:
    string = message.string
    return list(string) if isinstance(string, (tuple, list)) else [string or ""]


def _is_said(message: Message) -> bool:
    return all(_said(message))


def compile_all(folder: Path = ROOT / "translations") -> list[Path]:
    """Make the .mo of every catalogue that is older than it or the texts; answers those made.

    The head of a debtor's catalogue says how many texts it lacks.
    """
    made = []
    texts: dict[str, set[Key]] = {}
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        whole = path_of(folder, source.stem, SOURCE)
        newest = max(one.stat().st_mtime_ns for one in (source, whole) if one.exists())
        if target.exists() and target.stat().st_mtime_ns >= newest:
            continue
        catalog = read(source, source.parent.parent.name, source.stem)
        if source.stem not in texts:
            said = read(whole, SOURCE, source.stem)
            texts[source.stem] = {_key(message) for message in said if message.id}
        catalog.lacks = len(texts[source.stem] - _whole_texts(catalog))
        # Renamed into place, so that a server that starts just now never reads half a file.
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        with partial.open("wb") as out:
            write_mo(out, catalog)
        partial.replace(target)
        made.append(target)
    return made


def _whole_texts(catalog: ReviewedCatalog) -> set[Key]:
    return {_key(one) for one in catalog if one.id and _is_said(one) and not one.fuzzy}


def check(
    folder: Path = ROOT / "translations", texts: dict[str, list[Message]] | None = None
) -> list[Fault]:
    """Everything wrong in the catalogues.

    texts: what the code says, by domain; default what `extract` finds.
    """
    texts = extract() if texts is None else texts
    faults: list[Fault] = []
    for domain, locale in catalogues(folder):
        catalog = read(path_of(folder, domain, locale), locale, domain)
        faults += [
            Fault(domain, locale, text, what) for text, what in faults_of(catalog, texts[domain])
        ]
    return faults


def lacking(folder: Path = ROOT / "translations") -> dict[str, int]:
    """How many of the debtors' texts each catalogue that need not be whole lacks, by language."""
    wanted = {_key(one) for one in extract()["debtor"]}
    return {
        code: len(wanted - _whole_texts(read(path_of(folder, domain, code), code, domain)))
        for domain, code in catalogues(folder)
        if domain == "debtor" and code not in WHOLE
    }


def faults_of(catalog: ReviewedCatalog, texts: Iterable[Message]) -> Iterator[tuple[str, str]]:
    """What is wrong in one catalogue, as text and fault.

    texts: what the code says in this domain.
    """
    if not re.fullmatch(r"machine|native \d{4}-\d\d-\d\d", catalog.review):
        yield REVIEW, "says neither machine nor native and a date"
    wanted = {_key(message): message for message in texts}
    must_be_whole = catalog.code in WHOLE
    there = {_key(message): message for message in catalog if message.id}
    if must_be_whole:
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
    if catalog.code in WHOLE and message.fuzzy:
        yield "fuzzy"
    if not _is_said(message):
        if catalog.code in WHOLE:
            yield "not translated"
        elif any(_said(message)):
            yield "lacks a plural form"
        return
    if not isinstance(message.id, (tuple, list)):
        yield from _differences(message.id, str(message.string), may_lack=0)
        if catalog.code == SOURCE and message.string != message.id:
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


@dataclass(frozen=True)
class Term:
    """A word of the glossary in one language: as it is shown, and pieces of its inflections."""

    key: str
    word: str
    stems: tuple[str, ...]


def terms_of(code: str, folder: Path = ROOT / "translations") -> dict[str, Term]:
    """The glossary of a language by key, of `<code>/terms.csv`; empty when there is none."""
    path = folder / code / "terms.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as content:
        return {
            row["key"]: Term(row["key"], row["word"], tuple(row["stems"].split("|")))
            for row in csv.DictReader(content)
        }


def faults_of_terms(folder: Path = ROOT / "translations") -> list[Fault]:
    """Where a catalogue says another word than its glossary, or the glossary is not whole."""
    with (folder / "terms.csv").open(encoding="utf-8", newline="") as content:
        english = {row["key"]: row["english"] for row in csv.DictReader(content)}
    spoken = {
        key: re.compile(rf"\b{re.escape(english[key])}(?:s|es)?\b", re.IGNORECASE) for key in HELD
    }
    faults = []
    for domain, code in catalogues(folder):
        terms = terms_of(code, folder)
        if domain != "debtor" or not terms:
            continue
        faults += [
            Fault("terms", code, key, "not in the glossary")
            for key in english.keys() ^ terms.keys()
        ]
        catalog = read(path_of(folder, domain, code), code, domain)
        for message in catalog:
            if message.id and _is_said(message):
                faults += [
                    Fault(domain, code, _key(message)[1], f"lacks the term {terms[key].word!r}")
                    for key in sorted(HELD & terms.keys())
                    if _is_another_word(message, spoken[key], terms[key])
                ]
    return faults


def _is_another_word(message: Message, spoken: re.Pattern[str], term: Term) -> bool:
    ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
    text = _PLACE.sub(" ", " ".join(ids))
    if not spoken.search(text) or (term.key == "fee" and _OTHER_FEES.search(text)):
        return False
    said = _folded(" ".join(_said(message)))
    return not any(_folded(stem) in said for stem in term.stems)


def _folded(text: str) -> str:
    # A Turkish İ leaves its dot behind.
    return text.casefold().replace("\u0307", "")


def main(arguments: list[str]) -> int:
    """Do what the command line says; answers the exit code."""
    match arguments:
        case ["update"]:
            for fault in (faults := update()):
                print(fault)
            compile_all()
            for code, count in lacking().items():
                if count:
                    print(f"{code}: {count} texts lack a translation")
            print(f"Catalogues are written; {len(faults)} texts are wrong.")
            return 1 if faults else 0
        case ["compile"]:
            compile_all()
            return 0
        case ["check"]:
            for fault in (faults := [*check(), *faults_of_terms()]):
                print(fault)
            return 1 if faults else 0
        case ["lacking"]:
            for code, count in lacking().items():
                print(f"{code}: {count} texts lack a translation")
            return 0
    print("Usage: python -m tools.translations update | compile | check | lacking")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
