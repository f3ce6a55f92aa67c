"""What it costs to seal and to verify a document of 20 pages, beside bare pyHanko.

Bare pyHanko signs the same document with the same certificates and timestamps to the same level
(PAdES B-LTA), and validates it; it adds no evidence and checks no BankID signature. Ours is given
twice: the file alone, and the whole envelope of two signers from its rows, with pages of evidence
made by WeasyPrint, and everything verified before it is kept. Medians; the timestamp authority runs
in the same process. Run as `PYTHONPATH=. python benchmarks/sealing.py`.
"""

import asyncio
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko_certvalidator.registry import SimpleCertificateStore
from scale import make_world
from weasyprint import HTML

from portal import clock
from portal.config import ROOT
from portal.database import files, server, tenancy
from portal.extensions import db, settings
from portal.signing import envelopes, sealing, seals, verifying
from portal.signing.seals import Attachment, Sealer
from portal.signing.trust import Trust, sealer_of, trust_of
from simulators import timestamp
from tests.factories import a_creditor
from tests.signing.envelopes import a_file
from tests.signing.sealed import a_signed_envelope, trusting

RUNS = 9
PAGES = 20


@dataclass(frozen=True)
class Took:
    """Milliseconds of CPU in this process, and by the clock."""

    cpu: float
    wall: float


def medians(works: dict[str, Callable[[], object]]) -> dict[str, Took]:
    """Each work's median over turns in which all are done, so that a busy moment hits all."""
    times: dict[str, list[Took]] = {name: [] for name in works}
    for _ in range(RUNS):
        for name, work in works.items():
            cpu, wall = time.process_time(), time.perf_counter()
            work()
            took = Took(time.process_time() - cpu, time.perf_counter() - wall)
            times[name].append(took)
    return {
        name: Took(
            statistics.median(one.cpu for one in took) * 1000,
            statistics.median(one.wall for one in took) * 1000,
        )
        for name, took in times.items()
    }


def a_document() -> bytes:
    page = "<h1>Avtal</h1>" + "<p>Parterna är överens om det som står här.</p>" * 20
    made: bytes = HTML(
        string=f"<style>h1 {{ break-before: page }}</style>{page * PAGES}"
    ).write_pdf()
    return made


def bare_seal(document: bytes, sealer: Sealer) -> bytes:
    """What pyHanko's own documentation does for PAdES B-LTA."""
    signer = signers.SimpleSigner(
        sealer.certificate, sealer.key, SimpleCertificateStore.from_certs(list(sealer.chain))
    )
    metadata = signers.PdfSignatureMetadata(
        field_name="Signature", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES,
        embed_validation_info=True, use_pades_lta=True, validation_context=sealer.context(),
        certify=True, docmdp_permissions=MDPPerm.NO_CHANGES,
    )  # fmt: skip
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    out = signers.PdfSigner(metadata, signer, timestamper=sealer.timestamper()).sign_pdf(writer)
    return bytes(out.getbuffer())


def bare_verify(data: bytes, trusted: Trust) -> None:
    """Signature and timestamps by pyHanko, with what is in the file."""
    reader = PdfFileReader(io.BytesIO(data))
    roots = [*trusted.seal_roots, *trusted.timestamp_roots]

    async def look() -> None:
        for one in reader.embedded_signatures:
            context = DocumentSecurityStore.read_dss(reader).as_validation_context(
                {"trust_roots": roots, "allow_fetching": False, "revocation_mode": "hard-fail"}
            )
            if one.sig_object_type == "/DocTimeStamp":
                assert (await async_validate_pdf_timestamp(one, context)).trusted
            else:
                assert (await async_validate_pdf_signature(one, context)).bottom_line

    asyncio.run(look())


def measure() -> dict[str, Took]:
    """Seal and verify, each way."""
    sealer, trusted = sealer_of(settings()), trust_of(settings())
    document = a_document()
    creditor = a_creditor("Norrsken Energi AB")

    def an_envelope() -> bytes:
        made = a_signed_envelope(
            creditor, signers=("Eva Berg", "Johan Ekdahl"), files=(a_file(data=document),)
        )
        cpu, wall = time.process_time(), time.perf_counter()
        sealing.seal(made, now=clock.now())
        own.append(Took(time.process_time() - cpu, time.perf_counter() - wall))
        db.session.commit()
        return files.read(envelopes.files_of(made)[0].sealed_sha256 or "")

    own: list[Took] = []
    whole, bare = an_envelope(), bare_seal(document, sealer)
    given = [
        Attachment(name, data, "text/plain", name)
        for name, data in seals.files_in(seals.open_pdf(whole))
    ]
    evidence = HTML(string="<h1>Evidence</h1>").write_pdf()
    found = medians({
        "seal: bare pyHanko": lambda: bare_seal(document, sealer),
        "seal: the file": lambda: seals.seal(
            document, sealer, evidence=evidence, attachments=given
        ),
        "seal: the envelope": an_envelope,
        "verify: bare pyHanko": lambda: bare_verify(bare, trusted),
        "verify: the file, two signers": lambda: verifying.verify(
            whole, trusted, now=clock.now()
        ),
    })  # fmt: skip
    # Without what it takes to make and sign an envelope first.
    found["seal: the envelope"] = Took(
        statistics.median(one.cpu for one in own) * 1000,
        statistics.median(one.wall for one in own) * 1000,
    )
    assert verifying.verify(whole, trusted, now=clock.now()).verdict == verifying.VALID
    print(f"document {len(document):,} bytes, bare {len(bare):,}, ours {len(whole):,}")
    return found


def main() -> int:
    """Print the figures."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", "reda_sealing", keep=False)
    app = make_world(urls, 0)
    with tempfile.TemporaryDirectory() as folder:
        running = timestamp.start(Path(folder))
        app.extensions["reda_settings"] = trusting(
            app.extensions["reda_settings"], Path(folder), running
        )
        with app.app_context(), tenancy.service():
            found = measure()
        running.stop()
    print(f"{'ms':<32}{'cpu':>9}{'wall':>9}{'ratio':>9}{'of wall':>9}")
    for name, took in found.items():
        base = found[f"{name.partition(':')[0]}: bare pyHanko"]
        print(
            f"{name:<32}{took.cpu:>9.1f}{took.wall:>9.1f}"
            f"{took.cpu / base.cpu:>9.2f}{took.wall / base.wall:>9.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
