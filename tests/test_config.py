"""Settings come from the environment, and a wrong one stops the start with its name."""

import base64
from dataclasses import fields
from pathlib import Path

import pytest

from portal.config import ROOT, Settings, SettingsError
from portal.database import server
from simulators import timestamp

DEMO = Settings()
NUMBERS = ["REDA_BANKGIRO", "REDA_ORGANISATION_NUMBER"]
SECRETS = ["REDA_SECRET_KEY", "REDA_IDENTITY_KEYS", "REDA_IDENTITY_HASH_KEY", "REDA_ACCESS_KEY"]
CERTIFICATES = [
    *("BANKID_CERTIFICATE", "BANKID_KEY", "BANKID_CA", "BANKID_ROOTS"),
    *("SWISH_CERTIFICATE", "SWISH_KEY", "SWISH_CA"),
    *("REDA_SEAL_KEY", "REDA_SEAL_CERTIFICATE", "REDA_SEAL_ROOTS", "REDA_TIMESTAMP_ROOTS"),
]
# What the demo has its own of, and nobody else may have.
OURS = [
    *("BANKID_ADDRESS", "SWISH_ADDRESS", "SWISH_PAYEE_ALIAS", "REDA_SERVICE_NAME", *NUMBERS),
    *("REDA_ADDRESS", "REDA_PHONE", "REDA_EMAIL", "REDA_SMTP_HOST", "REDA_SMTP_PORT"),
    *("REDA_SMTP_SECURITY", "REDA_SMTP_FROM"),
    *("REDA_SMS_URL", "REDA_SMS_KEY", "REDA_SMS_CALLBACK_KEY", "REDA_SMS_SENDER"),
    "REDA_TIMESTAMP_URL",
]
KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
PRODUCTION = {
    "REDA_ENVIRONMENT": "production",
    "REDA_SECRET_KEY": "a" * 32,
    "REDA_IDENTITY_KEYS": KEY,
    "REDA_IDENTITY_HASH_KEY": "b" * 32,
    "REDA_ACCESS_KEY": "a" * 32,
    "REDA_BASE_URL": "https://reda.example",
    "BANKID_ADDRESS": "https://bankid.example/rp/v6.0/",
    "SWISH_ADDRESS": "https://swish.example/",
    "SWISH_PAYEE_ALIAS": "1231181189",
    "REDA_SERVICE_NAME": "Inkassobolaget AB",
    "REDA_BANKGIRO": "50501055",
    "REDA_ORGANISATION_NUMBER": "5560360793",
    "REDA_ADDRESS": "Box 1|111 22 Stockholm",
    "REDA_PHONE": "08-123 456 78",
    "REDA_EMAIL": "hej@inkasso.example",
    "REDA_SMTP_HOST": "smtp.example",
    "REDA_SMTP_PORT": "587",
    "REDA_SMTP_SECURITY": "starttls",
    "REDA_SMTP_FROM": "no-reply@inkasso.example",
    "REDA_SMS_URL": "https://sms.example/v1",
    "REDA_SMS_KEY": "s" * 32,
    "REDA_SMS_CALLBACK_KEY": "c" * 32,
    "REDA_SMS_SENDER": "Inkasso",
    "REDA_TIMESTAMP_URL": "http://timestamps.example",
    **{name: f"/etc/reda/{name.lower()}.pem" for name in CERTIFICATES},
}


ONLINE = {
    "REDA_ONLINE_ADDRESS": "https://payments.example",
    "REDA_ONLINE_KEY": "k" * 32,
    "REDA_ONLINE_CALLBACK_KEY": "c" * 32,
}


MAILBOX = {
    "REDA_MAILBOX_URL": "https://mailboxes.example",
    "REDA_MAILBOX_CLIENT_ID": "reda",
    "REDA_MAILBOX_CLIENT_SECRET": "s" * 32,
    "REDA_MAILBOX_TENANT": "15ab",
}


def test_every_setting_is_told_of_where_people_look() -> None:
    readme = (ROOT / "README.md").read_text()
    names = {f.metadata["name"] for f in fields(Settings)}
    assert sorted(one for one in names if f"`{one}" not in readme) == []


def refused(environment: dict[str, str]) -> str:
    """What is told when the settings are refused."""
    with pytest.raises(SettingsError) as error:
        Settings.from_environment(environment)
    return str(error.value)


def test_production_refuses_the_seal_of_the_demo(tmp_path: Path) -> None:
    timestamp.ensure(tmp_path, "http://127.0.0.1:8110")
    demo = {"REDA_SEAL_CERTIFICATE": str(tmp_path / "seal.pem")}
    assert "REDA_SEAL_CERTIFICATE" in refused({**PRODUCTION, **demo})


def test_a_timestamp_authority_has_an_address() -> None:
    assert "REDA_TIMESTAMP_URL" in refused({"REDA_TIMESTAMP_URL": "timestamps.example"})


def test_production_does_without_a_payment_provider() -> None:
    assert Settings.from_environment(PRODUCTION).online_address == ""


@pytest.mark.parametrize("name", ONLINE)
def test_a_payment_provider_needs_its_address_and_both_keys(name: str) -> None:
    assert "are set together" in refused({**ONLINE, name: ""})


def test_a_payment_provider_is_reached_over_tls_in_production() -> None:
    address = {"REDA_ONLINE_ADDRESS": "http://payments.example"}
    assert "https address in production" in refused({**PRODUCTION, **ONLINE, **address})


def test_without_an_operator_no_letter_goes_to_a_digital_mailbox() -> None:
    assert not Settings.from_environment(PRODUCTION).has_mailbox


@pytest.mark.parametrize("name", MAILBOX)
def test_an_operator_of_mailboxes_needs_all_four_of_its_settings(name: str) -> None:
    assert "are set together" in refused({**MAILBOX, name: ""})


@pytest.mark.parametrize(
    ("name", "value"), [("REDA_MAILBOX_URL", "kivra"), ("REDA_MAILBOX_TENANT", "../a")]
)
def test_what_reaches_no_operator_is_refused(name: str, value: str) -> None:
    assert name in refused({**MAILBOX, name: value})


def test_an_operator_of_mailboxes_is_reached_over_tls_in_production() -> None:
    address = {"REDA_MAILBOX_URL": "http://mailboxes.example"}
    assert "https address in production" in refused({**PRODUCTION, **MAILBOX, **address})


def test_an_empty_environment_gives_the_demo() -> None:
    assert Settings.from_environment({}) == DEMO


def test_a_setting_is_read_by_its_name() -> None:
    assert Settings.from_environment({"REDA_PHONE": "08-1"}).service_phone == "08-1"


def test_the_vat_number_is_that_of_the_organisation_number_unless_it_is_told() -> None:
    assert Settings.from_environment({}).vat_number == "SE556000016701"
    told = {"REDA_VAT_NUMBER": "SE556036079301"}
    assert Settings.from_environment(told).vat_number == "SE556036079301"


def test_a_vat_number_that_is_none_is_refused() -> None:
    assert "REDA_VAT_NUMBER" in refused({"REDA_VAT_NUMBER": "556036-0793"})


def test_no_two_settings_share_a_name() -> None:
    names = [one.metadata["name"] for one in Settings.__dataclass_fields__.values()]
    assert sorted(set(names)) == sorted(names)


def test_an_unknown_environment_is_refused() -> None:
    assert "REDA_ENVIRONMENT" in refused({"REDA_ENVIRONMENT": "staging"})


@pytest.mark.parametrize(
    "address",
    ["", "reda.example", "ftp://reda.example", "httpx://reda.example", "https://"],
)
def test_a_base_address_that_is_no_web_address_is_refused(address: str) -> None:
    assert "REDA_BASE_URL" in refused({"REDA_BASE_URL": address})


@pytest.mark.parametrize("rest", ["/", "/portal", "?a=1", "#top"])
def test_a_base_address_ends_with_its_host_since_paths_are_put_after_it(rest: str) -> None:
    assert "REDA_BASE_URL" in refused({"REDA_BASE_URL": f"https://reda.example{rest}"})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("number", ["", "50501056", "5050-1055", "556000-0167", "٥٠٥٠١٠٥٥"])
def test_a_number_of_ours_that_is_wrong_is_refused(name: str, number: str) -> None:
    assert name in refused({name: number})


def test_a_count_of_proxies_that_is_no_number_is_refused() -> None:
    assert "REDA_TRUSTED_PROXIES" in refused({"REDA_TRUSTED_PROXIES": "one"})


@pytest.mark.parametrize("keys", ["", "no-key", f"{KEY},", f"{KEY},short"])
def test_encryption_keys_that_cannot_encrypt_are_refused(keys: str) -> None:
    assert "REDA_IDENTITY_KEYS" in refused({"REDA_IDENTITY_KEYS": keys})


def test_a_refused_key_is_not_told() -> None:
    assert "nearly-a-key" not in refused({"REDA_IDENTITY_KEYS": "nearly-a-key"})


def test_production_starts_when_everything_is_set() -> None:
    assert Settings.from_environment(PRODUCTION).is_production


@pytest.mark.parametrize("name", SECRETS)
def test_production_refuses_to_start_without_a_secret(name: str) -> None:
    environment = {key: value for key, value in PRODUCTION.items() if key != name}
    assert name in refused(environment)


@pytest.mark.parametrize(
    ("name", "demo"),
    [
        ("REDA_SECRET_KEY", DEMO.secret_key),
        ("REDA_IDENTITY_KEYS", DEMO.identity_keys),
        ("REDA_IDENTITY_HASH_KEY", DEMO.identity_hash_key),
        ("REDA_ACCESS_KEY", DEMO.access_key),
    ],
)
def test_production_refuses_the_demos_secret(name: str, demo: str) -> None:
    assert name in refused({**PRODUCTION, name: demo})


def test_production_refuses_the_demos_key_also_beside_another() -> None:
    keys = f"{KEY}, {DEMO.identity_keys}"
    assert "REDA_IDENTITY_KEYS" in refused({**PRODUCTION, "REDA_IDENTITY_KEYS": keys})


@pytest.mark.parametrize("name", ["REDA_SECRET_KEY", "REDA_IDENTITY_HASH_KEY", "REDA_ACCESS_KEY"])
def test_production_refuses_a_secret_that_can_be_guessed(name: str) -> None:
    assert name in refused({**PRODUCTION, name: "a" * 31})


def test_production_refuses_an_address_without_tls() -> None:
    assert "https" in refused({**PRODUCTION, "REDA_BASE_URL": "http://reda.example"})


@pytest.mark.parametrize("name", [*CERTIFICATES, *OURS])
def test_production_refuses_to_take_the_demos_place_of_anything(name: str) -> None:
    environment = {key: value for key, value in PRODUCTION.items() if key != name}
    assert refused(environment) == f"{name} must be set in production."


@pytest.mark.parametrize("name", CERTIFICATES)
def test_production_refuses_an_empty_path_of_a_certificate(name: str) -> None:
    assert refused({**PRODUCTION, name: ""}) == f"{name} must be set in production."


def test_production_refuses_to_send_mails_in_the_clear() -> None:
    told = refused({**PRODUCTION, "REDA_SMTP_SECURITY": "none"})
    assert told == "REDA_SMTP_SECURITY must be starttls or tls in production."


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDA_SMTP_PORT", "smtp"),
        ("REDA_SMTP_PORT", "65536"),
        ("REDA_SMTP_SECURITY", "ssl"),
        ("REDA_SMTP_FROM", "a@reda.example\nBcc: b@reda.example"),
        ("REDA_SMTP_FROM", "Reda <a@reda.example>"),
        ("REDA_SMTP_USER", "reda"),
    ],
)
def test_a_mail_setting_that_cannot_be_used_is_refused(name: str, value: str) -> None:
    assert name in refused({name: value})


def test_a_password_is_never_sent_in_the_clear() -> None:
    given = {"REDA_SMTP_USER": "reda", "REDA_SMTP_PASSWORD": "hemligt"}
    assert "needs TLS" in refused(given)


@pytest.mark.parametrize(
    ("address", "is_secure"), [("https://reda.example", True), ("http://127.0.0.1:8000", False)]
)
def test_cookies_are_for_tls_alone_when_people_come_over_it(address: str, is_secure: bool) -> None:
    assert Settings(base_url=address).is_secure is is_secure


def test_a_certificate_lies_where_its_setting_says() -> None:
    settings = Settings(bankid_key="/etc/reda/key.pem")
    assert settings.certificate("bankid_key") == Path("/etc/reda/key.pem")


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_that_is_not_set_is_the_one_that_setup_made(name: str) -> None:
    made = Settings(var_folder="/var/reda").certificate(name.lower().removeprefix("reda_"))
    assert made.parent == Path("/var/reda/certificates")
    assert made.suffix == ".pem"


def test_a_postal_address_is_set_on_one_line_and_read_as_several() -> None:
    settings = Settings(service_address="Box 1|111 22 Stockholm")
    assert settings.service_address_lines == ["Box 1", "111 22 Stockholm"]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_one_database_address_serves_both_the_owner_and_the_application(scheme: str) -> None:
    urls = server.urls(Settings(database_url=f"{scheme}://owner:secret@db.example/reda"))
    address = "postgresql+psycopg://owner:secret@db.example/reda"
    assert [one.render_as_string(hide_password=False) for one in (urls.owner, urls.app)] == [
        address,
        address,
    ]


def test_the_application_may_have_an_address_of_its_own() -> None:
    urls = server.urls(
        Settings(
            database_url="postgresql://owner@db.example/reda",
            app_database_url="postgresql://reda_app@db.example/reda",
        )
    )
    assert (urls.owner.username, urls.app.username) == ("owner", "reda_app")


@pytest.mark.parametrize(
    "address", ["sqlite:///reda.db", "mysql://a:geheim@db.example/reda", "geheim", "postgresql:/x"]
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_APP_URL"])
def test_a_database_that_is_not_postgresql_is_refused(address: str, name: str) -> None:
    environment = {"DATABASE_URL": "postgresql://owner@db.example/reda", name: address}
    with pytest.raises(SettingsError, match=f"{name} must be a postgresql:// address.") as error:
        server.urls(Settings.from_environment(environment))
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    "accounts", ["", "991-2346, SE35 5000 0000 0549 1000 0003", "840533338800950"]
)
def test_further_accounts_for_client_money_are_kept_without_blanks(accounts: str) -> None:
    settings = Settings.from_environment({"REDA_BANK_ACCOUNTS": accounts})
    further = {"".join(one.split()).replace("-", "") for one in accounts.split(",")} - {""}
    assert settings.client_accounts == {settings.service_bankgiro, *further}


@pytest.mark.parametrize("accounts", ["12", "SE3550000000054910000004", "5050-1055;9912346"])
def test_further_accounts_that_are_none_are_refused(accounts: str) -> None:
    assert "REDA_BANK_ACCOUNTS" in refused({"REDA_BANK_ACCOUNTS": accounts})


def test_statements_are_either_compared_or_booked() -> None:
    assert "REDA_BANK_STATEMENTS" in refused({"REDA_BANK_STATEMENTS": "on"})


@pytest.mark.parametrize(
    "account",
    ["9912347", "123", "991-2346", "SE3550000000054910000004", "se3550000000054910000003",
     "SE35 5000 0000 0549 1000 0003", "54910000003"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["REDA_PAYOUT_ACCOUNT", "REDA_OWN_ACCOUNT"])
def test_an_account_that_the_bank_would_not_take_is_refused(name: str, account: str) -> None:
    assert f"{name} must be a bankgiro's" in refused({name: account})


@pytest.mark.parametrize("account", ["9912346", "SE3550000000054910000003"])
def test_a_bankgiro_or_an_iban_is_an_account_to_pay_from(account: str) -> None:
    settings = Settings.from_environment({"REDA_PAYOUT_ACCOUNT": account})
    assert settings.payout_account == account


@pytest.mark.parametrize(
    "environment",
    [
        {"REDA_EURO_ACCOUNT": "SE3550000000054910000003"},
        {"REDA_EURO_ACCOUNT": "9912346", "REDA_BANK_ACCOUNTS": "9912346"},
    ],
    ids=["no account of ours", "no IBAN"],
)
def test_an_account_in_euro_that_no_payment_would_be_told_of_is_refused(
    environment: dict[str, str],
) -> None:
    assert "REDA_EURO_ACCOUNT must be an IBAN" in refused(environment)


def test_our_share_is_not_taken_out_to_the_account_it_is_paid_from() -> None:
    account = "SE3550000000054910000003"
    environment = {"REDA_PAYOUT_ACCOUNT": account, "REDA_OWN_ACCOUNT": account}
    assert "REDA_OWN_ACCOUNT" in refused(environment)


@pytest.mark.parametrize("bic", ["", "ESSESESS", "SWEDSESS001"])
def test_a_bic_is_kept(bic: str) -> None:
    assert Settings.from_environment({"REDA_PAYOUT_BIC": bic}).payout_bic == bic


@pytest.mark.parametrize("bic", ["ESSE", "essesess", "ESSE SESS", "ESSESESS1", "12345678"])
def test_a_bic_that_is_none_is_refused_with_what_to_do(bic: str) -> None:
    assert "Leave it empty" in refused({"REDA_PAYOUT_BIC": bic})
