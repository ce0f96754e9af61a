"""A small browser: pages, forms, cookies and JSON, with the standard library only."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPException
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode, urljoin

TIMEOUT = 20
CSRF_COOKIE = "csrftoken"


class Unreachable(Exception):
    """The server does not answer just now; it may be starting again."""


@dataclass(frozen=True)
class Answer:
    """What came back: the status after redirects, where they ended, and the body."""

    status: int
    url: str
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


@dataclass
class Form:
    """A form on a page: where it goes, and what it would send if nobody touched it."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    # Everything that can be filled in, what nobody has ticked yet included.
    names: set[str] = field(default_factory=set)


class Browser:
    """One person's browser, with cookies of its own."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/") + "/"
        self.cookies = CookieJar()
        # No proxy: the demo is on this machine, whatever the environment says.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def get(self, path: str) -> Answer:
        return self._send(urllib.request.Request(urljoin(self.base_url, path)))

    def submit(self, path: str, values: dict[str, str], *, having: str) -> Answer:
        """
        Open a page, fill in its form and send it, hidden fields and all, as a browser does.

        The form is the one with a field called `having`; a page without it is the answer.
        """
        page = self.get(path)
        form = next((one for one in forms_of(page.text) if having in one.names), None)
        if form is None:
            return page
        known = {name: text for name, text in values.items() if name in form.names}
        request = urllib.request.Request(
            urljoin(page.url, form.action),
            data=urlencode({**form.fields, **known}).encode(),
            headers={"Referer": page.url},
        )
        return self._send(request)

    def call(
        self, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """Call the API: POST with a body (JSON, or `raw` bytes), GET without."""
        data = raw
        if raw is None and body is not None:
            data = json.dumps(body).encode()
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if data is not None:
            sent = {"Content-Type": "application/json", **sent}
            token = next((c.value for c in self.cookies if c.name == CSRF_COOKIE), None)
            if token:
                sent |= {"X-CSRFToken": token, "Referer": self.base_url}
        return self._send(
            urllib.request.Request(urljoin(self.base_url, path), data=data, headers=sent)
        )

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return _answer(response.status, response)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (502, 503, 504):
                    raise Unreachable(f"HTTP {error.code}") from error
                return _answer(error.code, error)
        except (urllib.error.URLError, HTTPException, OSError) as error:
            raise Unreachable(str(error)) from error


def _answer(status: int, response: Any) -> Answer:
    return Answer(status, response.url, response.read().decode(errors="replace"))


def forms_of(page: str) -> list[Form]:
    """Every form of a page."""
    reader = _FormReader()
    reader.feed(page)
    return reader.forms


class _FormReader(HTMLParser):
    """Collects what untouched forms would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: text or "" for name, text in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            self._open = True
        elif self._open and tag in ("input", "textarea", "select") and given.get("name"):
            self._field(tag, given)
        elif tag == "option" and self._select and "selected" in given:
            self.forms[-1].fields[self._select] = given.get("value", "")

    def _field(self, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        self._select = given["name"] if tag == "select" else ""
        if kind in ("submit", "button", "reset", "file"):
            return
        self.forms[-1].names.add(given["name"])
        if kind in ("checkbox", "radio") and "checked" not in given:
            return
        self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
        elif tag == "select":
            self._select = ""
