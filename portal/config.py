"""Every setting, read once from the environment.

No other module reads `os.environ`. `Settings.from_environment` refuses to start in production
with a secret that is missing or is the one used in development.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.fernet import Fernet
from stdnum import iban, luhn
from stdnum.se import vat

ROOT = Path(__file__).resolve().parent.parent

_DEVELOPMENT_SECRET = "development-only-secret-that-production-refuses"  # noqa: S105
# A Fernet key must be 32 bytes in base64; this one spells out that it protects nothing.
_DEVELOPMENT_KEY = "cmVkYS1kZXZlbG9wbWVudC1vbmx5LWtleS0wMDAwMDA="
# Of those that production must set, the ones that it may do without.
_OPTIONAL = (
    *("bankid_app_url", "swish_app_url", "smtp_user", "smtp_password", "smtp_ca", "clamd"),
    *("seal_chain", "seal_earlier"),
)
# Of those that production must set: settings whose defaults are the demo's, such as its simulators,
# its account number, its telephone.
_OURS = ("bankid_", "swish_", "service_", "smtp_", "sms_", "seal_", "timestamp_")
# Servers that are asked over HTTP: in production over TLS. A timestamp is asked for with a hash
# alone, and a translator may be on this machine.
_HTTPS = ("sms_url", "online_address", "mailbox_url", "store_address")
_SERVERS = (*_HTTPS, "timestamp_url", "translate_address")
# Of those, the ones that we cannot do without.
_ALWAYS = ("sms_url", "timestamp_url")
# ISO 9362, as pain.001 has it (BICFIDec2014Identifier).
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\\]+@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+")


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and says what to set."""


def _setting(name: str, default: str, meaning: str) -> str:
    return field(default=default, metadata={"name": name, "meaning": meaning})


@dataclass(frozen=True)
class Settings:
    """The portal's settings; each field's metadata gives its variable and meaning."""

    environment: str = _setting(
        "REDA_ENVIRONMENT", "development", "development, test or production"
    )
    secret_key: str = _setting("REDA_SECRET_KEY", _DEVELOPMENT_SECRET, "signs cookies and links")
    identity_keys: str = _setting(
        "REDA_IDENTITY_KEYS",
        _DEVELOPMENT_KEY,
        "Fernet keys, newest first, separated by commas, that encrypt identity numbers and files",
    )
    identity_hash_key: str = _setting(
        "REDA_IDENTITY_HASH_KEY",
        _DEVELOPMENT_SECRET,
        "key of the hash by which an identity number is looked up",
    )
    access_key: str = _setting(
        "REDA_ACCESS_KEY",
        _DEVELOPMENT_SECRET,
        "key that references and codes of cases are made with; never change it: the codes in"
        " letters that are sent would open nothing any more",
    )
    base_url: str = _setting(
        "REDA_BASE_URL", "http://127.0.0.1:8000", "address that people and callbacks reach us at"
    )
    var_folder: str = _setting("REDA_VAR", str(ROOT / "var"), "where everything we write lies")
    database_url: str = _setting(
        "DATABASE_URL", "", "PostgreSQL 15 or newer, as its owner; empty: the embedded server"
    )
    app_database_url: str = _setting(
        "DATABASE_APP_URL",
        "",
        "the same database as the role reda_app; empty: DATABASE_URL, changing to that role",
    )
    bankid_address: str = _setting(
        "BANKID_ADDRESS",
        "https://127.0.0.1:8101/rp/v6.0/",
        "BankID's relying party API, version 6.0",
    )
    bankid_certificate: str = _setting("BANKID_CERTIFICATE", "", "our client certificate (PEM)")
    bankid_key: str = _setting("BANKID_KEY", "", "its private key (PEM)")
    bankid_ca: str = _setting("BANKID_CA", "", "CA of BankID's server certificate (PEM)")
    bankid_roots: str = _setting(
        "BANKID_ROOTS", "", "CA certificates (PEM) that people's BankID certificates lead up to"
    )
    swish_address: str = _setting(
        "SWISH_ADDRESS",
        "https://127.0.0.1:8103/",
        "Swish Commerce API, the part before /swish-cpcapi",
    )
    swish_payee_alias: str = _setting("SWISH_PAYEE_ALIAS", "1230000001", "our Swish number")
    swish_certificate: str = _setting("SWISH_CERTIFICATE", "", "our client certificate (PEM)")
    swish_key: str = _setting("SWISH_KEY", "", "its private key (PEM)")
    swish_ca: str = _setting("SWISH_CA", "", "CA of Swish's server certificate (PEM)")
    swish_app_url: str = _setting(
        "SWISH_APP_URL",
        "swish://paymentrequest?token={token}&callbackurl={return_url}",
        "what opens the payer's Swish",
    )
    bankid_app_url: str = _setting(
        "BANKID_APP_URL", "", "what opens the BankID app instead of the real one; for the simulator"
    )
    online_address: str = _setting(
        "REDA_ONLINE_ADDRESS",
        "",
        "where the payment provider answers for card and account, the part before /payments;"
        " empty: neither is offered",
    )
    online_key: str = _setting("REDA_ONLINE_KEY", "", "the key that shows the provider who we are")
    online_callback_key: str = _setting(
        "REDA_ONLINE_CALLBACK_KEY", "", "the key that the provider signs its callbacks with"
    )
    service_name: str = _setting("REDA_SERVICE_NAME", "Reda Inkasso AB", "the collector's name")
    service_organisation_number: str = _setting(
        "REDA_ORGANISATION_NUMBER", "5560000167", "the collector's organisation number, 10 digits"
    )
    registered_vat_number: str = _setting(
        "REDA_VAT_NUMBER",
        "",
        "the collector's VAT number; empty: SE, the organisation number and 01",
    )
    service_bankgiro: str = _setting(
        "REDA_BANKGIRO", "50501055", "bankgiro for client money, digits only"
    )
    bank_accounts: str = _setting(
        "REDA_BANK_ACCOUNTS",
        "",
        "further accounts for client money that banks' files tell of, beside the bankgiro:"
        " bankgiros, account numbers or IBANs, separated by commas",
    )
    bank_folder: str = _setting(
        "REDA_BANK_FOLDER",
        "",
        "a folder that banks' files are put in, and taken from every minute; empty: none",
    )
    payout_account: str = _setting(
        "REDA_PAYOUT_ACCOUNT",
        "",
        "the client account that payouts are paid from: a bankgiro's digits or an IBAN without"
        " blanks; empty: REDA_BANKGIRO",
    )
    payout_bic: str = _setting("REDA_PAYOUT_BIC", "", "the BIC of its bank, if the bank wants it")
    own_account: str = _setting(
        "REDA_OWN_ACCOUNT",
        "",
        "our own account, which our share (fees, commission and their tax) is taken out to: a"
        " bankgiro's digits or an IBAN without blanks; empty: it is not taken out here",
    )
    euro_account: str = _setting(
        "REDA_EURO_ACCOUNT",
        "",
        "the account for client money in euro that companies pay monthly statements in euro to: an"
        " IBAN without blanks, one of REDA_BANK_ACCOUNTS; empty: they ask how to pay",
    )
    payout_folder: str = _setting(
        "REDA_PAYOUT_FOLDER",
        "",
        "a folder that approved payouts are put in as files for the bank (pain.001); empty: they"
        " are fetched on the operator's page",
    )
    bank_statements: str = _setting(
        "REDA_BANK_STATEMENTS",
        "to compare",
        "what the payments in a statement (camt.053) are: to compare, with the books only; or to"
        " book, when no BgMax or camt.054 tells of them",
    )
    service_address: str = _setting(
        "REDA_ADDRESS",
        "Box 100|111 21 Stockholm",
        "the collector's postal address, lines split by |",
    )
    service_phone: str = _setting("REDA_PHONE", "010-000 00 00", "where debtors can call")
    service_email: str = _setting("REDA_EMAIL", "hej@reda.example", "where debtors can write")
    smtp_host: str = _setting("REDA_SMTP_HOST", "127.0.0.1", "the server that takes our e-mails")
    smtp_port: str = _setting("REDA_SMTP_PORT", "8105", "its port")
    smtp_security: str = _setting(
        "REDA_SMTP_SECURITY",
        "none",
        "starttls: TLS is asked for after the greeting (port 587); tls: from the first byte (465);"
        " none: in the clear, for development",
    )
    smtp_user: str = _setting(
        "REDA_SMTP_USER", "", "whom we log in as; empty: the server takes ours without"
    )
    smtp_password: str = _setting("REDA_SMTP_PASSWORD", "", "the password of that user")
    smtp_ca: str = _setting(
        "REDA_SMTP_CA", "", "CA of its certificate (PEM); empty: those that the system trusts"
    )
    sms_url: str = _setting(
        "REDA_SMS_URL",
        "http://127.0.0.1:8107",
        "where our text messages are given to, the part before /messages",
    )
    sms_key: str = _setting(
        "REDA_SMS_KEY", "development-only-sms-key", "the key that shows the provider who we are"
    )
    sms_callback_key: str = _setting(
        "REDA_SMS_CALLBACK_KEY",
        "development-only-sms-callback-key",
        "the key that the provider signs its callbacks with",
    )
    sms_sender: str = _setting(
        "REDA_SMS_SENDER", "Reda", "the name that our text messages come from, at most 11 letters"
    )
    mailbox_url: str = _setting(
        "REDA_MAILBOX_URL",
        "",
        "where the operator of digital mailboxes answers, the part before /v1 and /v2; empty: no"
        " letter goes to one",
    )
    mailbox_client_id: str = _setting(
        "REDA_MAILBOX_CLIENT_ID", "", "the name that the operator knows us by"
    )
    mailbox_client_secret: str = _setting(
        "REDA_MAILBOX_CLIENT_SECRET", "", "the secret that shows it who we are"
    )
    mailbox_tenant: str = _setting(
        "REDA_MAILBOX_TENANT", "", "the key of the sender that our letters come from"
    )
    seal_key: str = _setting(
        "REDA_SEAL_KEY", "", "the private key (PEM) that signed documents are sealed with"
    )
    seal_certificate: str = _setting("REDA_SEAL_CERTIFICATE", "", "its certificate (PEM)")
    seal_chain: str = _setting(
        "REDA_SEAL_CHAIN", "", "the certificates (PEM) between it and its root; empty: none"
    )
    seal_roots: str = _setting(
        "REDA_SEAL_ROOTS", "", "CA certificates (PEM) that our seals, also old ones, lead up to"
    )
    seal_earlier: str = _setting(
        "REDA_SEAL_EARLIER",
        "",
        "the certificates (PEM) that we sealed with before, so that their seals count as ours;"
        " empty: none",
    )
    timestamp_url: str = _setting(
        "REDA_TIMESTAMP_URL",
        "http://127.0.0.1:8110/timestamp",
        "the authority that timestamps our seals (RFC 3161 over HTTP)",
    )
    timestamp_roots: str = _setting(
        "REDA_TIMESTAMP_ROOTS",
        "",
        "CA certificates (PEM) that its timestamps, also old ones, lead up to",
    )
    clamd: str = _setting(
        "CLAMD",
        "",
        "ClamAV's daemon, as host:port or the path of its socket; empty: files are not scanned",
    )
    store_bucket: str = _setting(
        "REDA_STORE_BUCKET",
        "",
        "a bucket of a store that speaks S3, which files are kept in; empty: a folder under var/",
    )
    store_address: str = _setting(
        "REDA_STORE_ADDRESS", "", "the store's address; empty: Amazon's own of the region"
    )
    store_region: str = _setting("REDA_STORE_REGION", "eu-north-1", "the bucket's region")
    store_key_id: str = _setting(
        "REDA_STORE_KEY_ID", "", "the name of the key to the bucket; empty: the machine's own role"
    )
    store_secret: str = _setting("REDA_STORE_SECRET", "", "the secret of that key")
    smtp_from: str = _setting(
        "REDA_SMTP_FROM", "no-reply@reda.example", "the address that our e-mails come from"
    )
    translate_address: str = _setting(
        "REDA_TRANSLATE_ADDRESS",
        "",
        "a server that speaks LibreTranslate's API and translates messages when their reader asks"
        " for it; empty: none, and no words leave the house",
    )
    translate_key: str = _setting(
        "REDA_TRANSLATE_KEY", "", "the key that it asks for; empty: it asks for none"
    )
    rate_limit_storage: str = _setting(
        "REDA_RATE_LIMIT_STORAGE",
        "memory://",
        "storage of request limits; shared by several servers",
    )
    clock_file: str = _setting(
        "REDA_CLOCK_FILE", "", "demo only: a file that says how many seconds we are ahead of time"
    )
    trusted_proxies: str = _setting(
        "REDA_TRUSTED_PROXIES", "0", "how many proxies in front of us set X-Forwarded-*"
    )

    letter_processes: str = _setting(
        "REDA_LETTER_PROCESSES", "0", "how many processes render letters; 0: one for each core"
    )
    letter_batch: str = _setting(
        "REDA_LETTER_BATCH", "off", "on: the print shop gets letters joined in one file as well"
    )

    soffice: str = _setting(
        "REDA_SOFFICE",
        "",
        "LibreOffice's program, which makes PDFs of office files; empty: `soffice` on the PATH, if"
        " there is one",
    )
    archive_volume_mb: str = _setting(
        "REDA_ARCHIVE_VOLUME_MB",
        "500",
        "how many megabytes a zip file of documents may have before another is begun",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        environment: variables; default those of the process.
        Raises SettingsError when a value cannot be used.
        """
        given = os.environ if environment is None else environment
        values = {f.name: given[name] for f in fields(cls) if (name := f.metadata["name"]) in given}
        settings = cls(**values)
        settings._check()
        if settings.is_production:
            settings._check_production(given)
        return settings

    def _check(self) -> None:
        if self.environment not in ("development", "test", "production"):
            raise SettingsError("REDA_ENVIRONMENT must be development, test or production.")
        scheme, host = urlsplit(self.base_url)[:2]
        if scheme not in ("http", "https") or not host or self.base_url != f"{scheme}://{host}":
            raise SettingsError(
                "REDA_BASE_URL must be an http or https address with nothing after the host,"
                " such as https://reda.example."
            )
        if not self.trusted_proxies.isdecimal():
            raise SettingsError("REDA_TRUSTED_PROXIES must be a whole number.")
        if not self.letter_processes.isdecimal():
            raise SettingsError("REDA_LETTER_PROCESSES must be a whole number.")
        if not (self.archive_volume_mb.isdecimal() and int(self.archive_volume_mb) > 0):
            raise SettingsError("REDA_ARCHIVE_VOLUME_MB must be a whole number above zero.")
        if self.letter_batch not in ("on", "off"):
            raise SettingsError("REDA_LETTER_BATCH must be on or off.")
        if self.registered_vat_number and not vat.is_valid(self.registered_vat_number):
            raise SettingsError(
                "REDA_VAT_NUMBER must be a Swedish VAT number, such as SE556000016701."
            )
        self._check_bank()
        self._check_addresses()
        self._check_mail()
        self._check_channels()
        # With an empty key anybody could sign.
        self._check_together("online_address", "online_key", "online_callback_key")
        self._check_together("store_key_id", "store_secret")
        for key in self.encryption_keys:
            try:
                Fernet(key)
            except ValueError:
                # The key itself is a secret, and is not told.
                raise SettingsError(
                    "REDA_IDENTITY_KEYS must be Fernet keys (32 bytes in base64), separated by"
                    " commas."
                ) from None
        for name, number in (
            ("REDA_BANKGIRO", self.service_bankgiro),
            ("REDA_ORGANISATION_NUMBER", self.service_organisation_number),
        ):
            # A wrong digit here would stand on every letter, and money would go elsewhere.
            if not (number.isdigit() and luhn.is_valid(number)):
                raise SettingsError(f"{name} must be digits only, with a right check digit.")

    def _check_bank(self) -> None:
        for account in self.client_accounts - {self.service_bankgiro}:
            if not re.fullmatch(r"[0-9]{7,20}", account) and not iban.is_valid(account):
                raise SettingsError(
                    "REDA_BANK_ACCOUNTS must be bankgiros, account numbers or IBANs, separated by"
                    " commas."
                )
        for name in ("payout_account", "own_account"):
            account = getattr(self, name)
            if account and not _is_account(account):
                raise SettingsError(
                    f"{_VARIABLES[name]} must be a bankgiro's 7 or 8 digits, or an IBAN in capitals"
                    " without blanks. Copy it from the bank's agreement."
                )
        if self.payout_bic and not _BIC.fullmatch(self.payout_bic):
            raise SettingsError(
                "REDA_PAYOUT_BIC must be the bank's BIC: 8 or 11 capitals and digits, such as"
                " ESSESESS. Leave it empty if the bank does not ask for it."
            )
        own = self.own_account
        if own and own in self.client_accounts | {self.payout_account}:
            raise SettingsError("REDA_OWN_ACCOUNT must not be an account for client money.")
        euro = self.euro_account
        if euro and not (iban.is_valid(euro) and euro in self.client_accounts):
            raise SettingsError(
                "REDA_EURO_ACCOUNT must be an IBAN in capitals without blanks, and one of"
                " REDA_BANK_ACCOUNTS, so that banks' files tell of it."
            )
        if self.bank_statements not in ("to compare", "to book"):
            raise SettingsError("REDA_BANK_STATEMENTS must be: to compare, or: to book.")

    def _check_addresses(self) -> None:
        for name in _SERVERS:
            address: str = getattr(self, name)
            scheme, host = urlsplit(address)[:2]
            if (address or name in _ALWAYS) and not (scheme in ("http", "https") and host):
                raise SettingsError(f"{_VARIABLES[name]} must be an http or https address.")

    def _check_together(self, *names: str) -> None:
        are_set = [bool(getattr(self, name)) for name in names]
        if any(are_set) and not all(are_set):
            *first, last = (_VARIABLES[name] for name in names)
            raise SettingsError(f"{', '.join(first)} and {last} are set together.")

    def _check_mail(self) -> None:
        if not (self.smtp_port.isdecimal() and 0 < int(self.smtp_port) < 65536):
            raise SettingsError("REDA_SMTP_PORT must be a port, such as 587.")
        if self.smtp_security not in ("starttls", "tls", "none"):
            raise SettingsError("REDA_SMTP_SECURITY must be starttls, tls or none.")
        self._check_together("smtp_user", "smtp_password")
        if self.smtp_user and self.smtp_security == "none":
            raise SettingsError("REDA_SMTP_PASSWORD needs TLS: set REDA_SMTP_SECURITY.")
        # With a line break in it, whoever sets it could write other headers.
        if not _ADDRESS.fullmatch(self.smtp_from):
            raise SettingsError("REDA_SMTP_FROM must be an e-mail address and nothing else.")

    def _check_channels(self) -> None:
        # What telephones show as a sender's name (3GPP TS 23.040, 9.1.2.5).
        if not re.fullmatch(r"[A-Za-z0-9 ]{1,11}", self.sms_sender):
            raise SettingsError("REDA_SMS_SENDER must be 1 to 11 letters, digits or spaces.")
        self._check_together(
            "mailbox_url", "mailbox_client_id", "mailbox_client_secret", "mailbox_tenant"
        )
        # It becomes a part of addresses.
        if not re.fullmatch(r"[A-Za-z0-9]{0,64}", self.mailbox_tenant):
            raise SettingsError("REDA_MAILBOX_TENANT must be letters and digits.")

    def _check_production(self, given: Mapping[str, str]) -> None:
        for name, secrets in (
            ("REDA_SECRET_KEY", [self.secret_key]),
            ("REDA_IDENTITY_KEYS", self.encryption_keys),
            ("REDA_IDENTITY_HASH_KEY", [self.identity_hash_key]),
            ("REDA_ACCESS_KEY", [self.access_key]),
        ):
            for secret in secrets:
                if secret in (_DEVELOPMENT_SECRET, _DEVELOPMENT_KEY) or len(secret) < 32:
                    raise SettingsError(
                        f"{name} must be set to a secret of its own, at least 32 characters, in"
                        " production."
                    )
        if self.clock_file:
            raise SettingsError("REDA_CLOCK_FILE is for demos, and cannot be set in production.")
        if not self.is_secure:
            raise SettingsError("REDA_BASE_URL must be an https address in production.")
        for f in fields(self):
            if (
                f.name.startswith(_OURS)
                and f.name not in _OPTIONAL
                and not given.get(f.metadata["name"])
            ):
                raise SettingsError(f"{f.metadata['name']} must be set in production.")
        scheme, host = urlsplit(self.translate_address)[:2]
        if scheme == "http" and host.partition(":")[0] not in ("127.0.0.1", "localhost"):
            raise SettingsError("REDA_TRANSLATE_ADDRESS must be https to another machine.")
        for name in _HTTPS:
            address: str = getattr(self, name)
            if address and not address.startswith("https:"):
                raise SettingsError(f"{_VARIABLES[name]} must be an https address in production.")
        if self.smtp_security == "none":
            raise SettingsError("REDA_SMTP_SECURITY must be starttls or tls in production.")
        if _is_of_the_demo(Path(self.seal_certificate)):
            raise SettingsError("REDA_SEAL_CERTIFICATE is the demo's; production needs its own.")

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over TLS; cookies are then marked Secure and HSTS is sent."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def has_mailbox(self) -> bool:
        """Whether letters may go to digital mailboxes."""
        return bool(self.mailbox_url)

    @property
    def encryption_keys(self) -> list[str]:
        """The Fernet keys, the newest first."""
        return [key.strip() for key in self.identity_keys.split(",")]

    @property
    def client_accounts(self) -> frozenset[str]:
        """The accounts that client money comes to, without blanks and hyphens."""
        further = re.sub(r"[\s-]", "", self.bank_accounts).upper().split(",")
        return frozenset([self.service_bankgiro, *filter(None, further)])

    @property
    def var(self) -> Path:
        return Path(self.var_folder)

    @property
    def vat_number(self) -> str:
        """The collector's VAT number, as it stands on invoices."""
        return self.registered_vat_number or f"SE{self.service_organisation_number}01"

    @property
    def service_address_lines(self) -> list[str]:
        return self.service_address.split("|")

    def certificate(self, name: str) -> Path:
        """Path of a certificate setting; in development the one that set-up made under var/."""
        value: str = getattr(self, name)
        return Path(value) if value else self.var / "certificates" / _MADE_CERTIFICATES[name]


_VARIABLES: dict[str, str] = {f.name: f.metadata["name"] for f in fields(Settings)}


def _is_account(written: str) -> bool:
    """Whether it is a bankgiro or an IBAN, written as a file to the bank has it."""
    if re.fullmatch(r"[0-9]{7,8}", written):
        return bool(luhn.is_valid(written))
    return written == iban.compact(written) and bool(iban.is_valid(written))


def _is_of_the_demo(certificate: Path) -> bool:
    try:
        issuer = x509.load_pem_x509_certificate(certificate.read_bytes()).issuer
    except (OSError, ValueError):
        return False
    return "Reda simulators" in issuer.rfc4514_string()


# Names of the files that the simulators make.
_MADE_CERTIFICATES = {
    "bankid_certificate": "bankid_client.pem",
    "bankid_key": "bankid_client_key.pem",
    "bankid_ca": "tls_ca.pem",
    "bankid_roots": "bankid_root.pem",
    "swish_certificate": "swish_client.pem",
    "swish_key": "swish_client_key.pem",
    "swish_ca": "tls_ca.pem",
    "seal_key": "seal_key.pem",
    "seal_certificate": "seal.pem",
    "seal_chain": "seal_chain.pem",
    "seal_roots": "seal_root.pem",
    "timestamp_roots": "seal_root.pem",
}
