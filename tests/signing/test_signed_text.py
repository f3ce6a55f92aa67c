"""What is signed: the text in the app, and the hidden data."""

import base64

import pytest

from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import envelopes, events, signed_text
from portal.signing.envelopes import NewFile
from portal.signing.models import Envelope
from portal.signing.signed_text import Item
from tests.factories import NOW
from tests.signing.envelopes import a_file, an_envelope, invited


def items(envelope: Envelope) -> list[Item]:
    return [Item(envelope, envelopes.signers_of(envelope)[0])]


def test_the_text_names_title_sender_signers_files_and_their_hashes(creditor: Creditor) -> None:
    envelope = an_envelope(creditor, signers=("Eva Berg", "Johan Ek"))
    sha256 = envelopes.files_of(envelope)[0].sha256
    assert signed_text.visible(items(envelope)).splitlines() == [
        "# Avtal",
        "",
        "+ Avsändare: Norrsken Energi AB",
        "+ Skrivs under av: Eva Berg, Johan Ek",
        "",
        "Jag har läst handlingarna och skriver under dem.",
        "",
        "## Avtal.pdf, 1 sida",
        "SHA-256: " + " ".join(sha256[i : i + 4] for i in range(0, 64, 4)),
    ]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"role": "approves"}, "I have read the documents and approve them."),
        (
            {"for_company": "Fjäll AB"},
            "I have read the documents, may act for Fjäll AB and sign them.",
        ),
    ],
)
def test_the_text_says_in_which_capacity_one_signs(
    creditor: Creditor, values: dict[str, str], said: str
) -> None:
    envelope = an_envelope(creditor, signers=(invited("Eva Berg", **values),))
    assert said in signed_text.visible(items(envelope), "en")


def test_a_name_cannot_pose_as_a_line_of_the_text(creditor: Creditor) -> None:
    name = "x.pdf\n# Betalt *nu* \u202efdp"
    envelope = an_envelope(creditor, files=(a_file(name),))
    assert "## x.pdf Betalt nu fdp, 1 sida" in signed_text.visible(items(envelope)).splitlines()


def test_the_fullest_envelope_fits_what_bankid_takes(creditor: Creditor) -> None:
    long = "🐟" * 200
    files = [a_file(f"{number}{long}") for number in range(20)]
    files += [NewFile(f"{number}{long}", b"data", "text/plain", None) for number in range(20)]
    envelope = an_envelope(creditor, files=files, signers=[invited(long, email="a@b.example")] * 30)
    text = signed_text.visible(items(envelope)).encode()
    assert len(text) <= signed_text.LONGEST
    assert len(base64.b64encode(text)) <= 40_000
    assert len(base64.b64encode(signed_text.hidden(items(envelope), NOW))) <= 200_000


def test_one_text_may_be_of_several_envelopes(creditor: Creditor) -> None:
    both = [*items(an_envelope(creditor)), *items(an_envelope(creditor))]
    assert signed_text.visible(both).startswith("# 2 ärenden att skriva under\n\n# Avtal\n")
    told = signed_text.read(signed_text.hidden(both, NOW))
    assert [one["envelope"] for one in told["envelopes"]] == [one.envelope.key for one in both]


def test_the_hidden_data_is_canonical_and_names_everything(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    file, signer = envelopes.files_of(envelope)[0], envelopes.signers_of(envelope)[0]
    data = signed_text.hidden(items(envelope), NOW)
    told = signed_text.read(data)
    assert events.canonical(told) == data
    assert told["envelopes"] == [
        {
            "envelope": envelope.key,
            "version": 1,
            "manifest_sha256": envelope.manifest_sha256,
            "signer": signer.key,
            "role": "signs",
            "files": [
                {"name": "Avtal.pdf", "role": "document", "size": file.size, "sha256": file.sha256}
            ],
            "previous_sha256": events.log_of(envelope)[-1]["sha256"],
        }
    ]
    db.session.rollback()


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"envelopes": 1}'])
def test_other_data_is_not_read(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"hidden data|Expecting value"):
        signed_text.read(data)
