"""Office files become PDFs by LibreOffice, where it is installed: alone, in a time, without macros.

LibreOffice runs with a profile of its own that is thrown away. Its macros are switched off there,
and what a document refers to elsewhere is not fetched: not from addresses that it does not trust,
and through a proxy where nobody listens.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from portal.collection import file_types
from portal.collection.file_types import FileRefused
from portal.extensions import settings
from portal.messages import N_

SECONDS = 90
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Inet/Settings">
<prop oor:name="ooInetProxyType" oor:op="fuse"><value>1</value></prop>
<prop oor:name="ooInetHTTPProxyName" oor:op="fuse"><value>127.0.0.1</value></prop>
<prop oor:name="ooInetHTTPProxyPort" oor:op="fuse"><value>9</value></prop>
<prop oor:name="ooInetHTTPSProxyName" oor:op="fuse"><value>127.0.0.1</value></prop>
<prop oor:name="ooInetHTTPSProxyPort" oor:op="fuse"><value>9</value></prop></item>
</oor:items>
"""


def _look_at_open_document(data: bytes) -> None:
    try:
        with zipfile.ZipFile(BytesIO(data)) as parts:
            names = [one.filename for one in file_types.bounded(parts)]
            kind = parts.read("mimetype")
            manifest = parts.read("META-INF/manifest.xml")
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, EOFError) as error:
        raise FileRefused(file_types.NOT_WHAT_IT_SAYS) from error
    if not kind.startswith(b"application/vnd.oasis.opendocument."):
        raise FileRefused(file_types.NOT_WHAT_IT_SAYS)
    if b"encryption-data" in manifest:
        raise FileRefused(file_types.LOCKED)
    if any(one.startswith(("Basic/", "Scripts/")) for one in names):
        raise FileRefused(file_types.HAS_MACROS)


_OBJECT = re.compile(rb"\\(objdata|objemb|objocx|objautlink)\b")


def _look_at_rich_text(data: bytes) -> None:
    if not data.startswith(b"{\\rtf"):
        raise FileRefused(file_types.NOT_WHAT_IT_SAYS)
    if _OBJECT.search(data):
        raise FileRefused(file_types.CARRIES)


_LOOKS: Mapping[str, Callable[[bytes], None]] = {
    "docx": file_types.look_at_office("word/document.xml"),
    "xlsx": file_types.look_at_office("xl/workbook.xml"),
    "pptx": file_types.look_at_office("ppt/presentation.xml"),
    "odt": _look_at_open_document,
    "ods": _look_at_open_document,
    "odp": _look_at_open_document,
    "rtf": _look_at_rich_text,
}
ENDINGS = tuple(_LOOKS)


def program() -> str | None:
    """Where LibreOffice is, or None."""
    return settings().soffice or shutil.which("soffice")


def as_pdf(name: str, data: bytes) -> bytes:
    """An office file as a PDF. name: with one of ENDINGS.

    Raises FileRefused when it is not taken, cannot be made a PDF of, or no LibreOffice is here.
    """
    ending = name.rpartition(".")[2].lower()
    file_types.refuse_marks(data)
    _LOOKS[ending](data)
    found = program()
    if found is None:
        raise FileRefused(
            N_("Office files cannot be made into PDF here. Save it as PDF, and add that.")
        )
    with tempfile.TemporaryDirectory(prefix="reda-office-") as folder:
        return _converted(found, Path(folder), ending, data)


def _converted(found: str, folder: Path, ending: str, data: bytes) -> bytes:
    source, made = folder / f"document.{ending}", folder / "made" / "document.pdf"
    source.write_bytes(data)
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_PROFILE)
    _run(
        [
            found, "--headless", "--norestore", "--nodefault", "--nolockcheck",
            "--nofirststartwizard", f"-env:UserInstallation={profile.as_uri()}",
            "--convert-to", "pdf", "--outdir", str(made.parent), str(source),
        ],
        folder,
    )  # fmt: skip
    if not made.exists():
        raise FileRefused(_FAILED)
    return made.read_bytes()


_FAILED = N_("The file could not be made into a PDF. Save it as PDF yourself, and add that.")


def _run(command: list[str], folder: Path) -> None:
    # Nothing of our own environment, where secrets are.
    environment = {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
    }
    try:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise FileRefused(_FAILED) from error
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired as error:
        raise FileRefused(_FAILED) from error
    finally:
        # It starts others, which outlive it when it is stopped.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
