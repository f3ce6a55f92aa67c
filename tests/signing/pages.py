"""A browser without JavaScript that reads pages and presses their buttons, and signing in by it."""

from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from portal.extensions import db
from tests.bankid_fixtures import Phone

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Mobile/15E148"


class Browser:
    """One person's browser. agent: what it calls itself."""

    def __init__(self, client: FlaskClient, agent: str = "Mozilla/5.0 (X11; Linux x86_64)") -> None:
        self.client, self.agent = client, agent

    def get(self, url: str, *, htmx: bool = False) -> TestResponse:
        """Fetch an address; redirects are left to the test."""
        headers = {"User-Agent": self.agent, **({"HX-Request": "true"} if htmx else {})}
        return self._ask("GET", url, headers=headers)

    def ask_to_the_end(self, url: str) -> TestResponse:
        """Ask as an open page does when it is done: once again, at the address it then gets."""
        answer = self.get(url, htmx=True)
        last = BeautifulSoup(answer.text, "html.parser").find(attrs={"hx-trigger": "load"})
        return self.get(str(last["hx-get"]), htmx=True)

    def page(self, url: str, status: int = 200) -> BeautifulSoup:
        """Fetch an address, follow where it leads, and parse the page there."""
        response = self._ask("GET", url, follow_redirects=True)
        assert response.status_code == status
        return BeautifulSoup(response.text, "html.parser")

    def press(
        self, page: BeautifulSoup, label: str, leave_out: tuple[str, ...] = (), **written: object
    ) -> TestResponse:
        """Send the form of a button. leave_out: fields not filled in. written: fields filled in."""
        button = next(one for one in page.find_all("button") if one.get_text(strip=True) == label)
        form = button.find_parent("form")
        data: dict[str, object] = {}
        for field in form.find_all("input"):
            if _is_sent(field):
                data.setdefault(field["name"], []).append(field.get("value", "on"))
        if button.get("name"):
            data[button["name"]] = button["value"]
        data = {name: value for name, value in (data | written).items() if name not in leave_out}
        return self._ask("POST", form["action"], data=data)

    def _ask(self, method: str, url: str, **options: object) -> TestResponse:
        options.setdefault("headers", {"User-Agent": self.agent})
        return self.client.open(url, method=method, **options)

    def cookie(self) -> str | None:
        """The session's token."""
        found = self.client.get_cookie("reda_session")
        return found and found.value


def _is_sent(field: Tag) -> bool:
    return field["type"] != "checkbox" or field.has_attr("checked")


def words(page: BeautifulSoup) -> str:
    """A page's text in one line."""
    return page.get_text(" ", strip=True)


def start(browser: Browser, onwards: str = "", button: str = "Sign in with BankID") -> str:
    """Start to sign in; answers the address of the order's page."""
    page = browser.page(f"/sign-in?lang=en&next={onwards}")
    return browser.press(page, button).headers["Location"]


def order_ref(phone: Phone) -> str:
    return str(phone.newest()["orderRef"])


def return_path(phone: Phone) -> str:
    """Where the app goes back to."""
    parts = urlsplit(str(phone.newest()["returnUrl"]))
    return f"{parts.path}?{parts.query}"


def later() -> None:
    """So long since BankID was asked that it may be asked again."""
    db.session.execute(
        text("update bankid_orders set collected_at = collected_at - interval '2 seconds'")
    )
    db.session.commit()


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/operations/").status_code == 200
