"""Fetching a calendar against a server that answers like a provider, or like an attacker."""

import gzip
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reps.feeds.fetch import MOST_BYTES, FetchFailed, Known, fetch
from reps.net import wire

ICS = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


class Provider(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.got.append((self.path, dict(self.headers)))
        self.server.answers[self.path](self)

    def log_message(self, *args):
        pass


def sends(body, status=200, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def drips(chunk, pause):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while not handler.server.closing.is_set():
                handler.wfile.write(chunk)
                handler.wfile.flush()
                time.sleep(pause)

    return answer


def drips_headers(handler):
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
        while not handler.server.closing.is_set():
            handler.wfile.write(b"X")
            handler.wfile.flush()
            time.sleep(0.05)


@contextmanager
def provider(**answers):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads, server.closing = True, threading.Event()
    server.got, server.answers = [], {f"/{name}": answer for name, answer in answers.items()}
    server.inside = (f"127.0.0.1:{server.server_port}",)
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_calendar_is_fetched_with_what_the_server_says_of_it():
    with provider(cal=sends(ICS, ETag='"v1"', Last_Modified="Mon, 15 Jun 2026 09:00:00 GMT")) as at:
        found = fetch(at.url + "cal", inside=at.inside)

    assert found.body == ICS
    assert found.known == Known('"v1"', "Mon, 15 Jun 2026 09:00:00 GMT")
    ((_, headers),) = at.got
    assert headers["Host"] == at.inside[0]
    assert "If-None-Match" not in headers


def test_an_unchanged_calendar_is_not_sent_again():
    known = Known('"v1"', "Mon, 15 Jun 2026 09:00:00 GMT")
    with provider(cal=sends(b"", status=304)) as at:
        found = fetch(at.url + "cal", known=known, inside=at.inside)

    assert (found.body, found.known) == (None, known)
    assert at.got[0][1]["If-None-Match"] == '"v1"'
    assert at.got[0][1]["If-Modified-Since"] == known.modified


def test_a_packed_calendar_is_unpacked():
    with provider(cal=sends(gzip.compress(ICS), Content_Encoding="gzip")) as at:
        assert fetch(at.url + "cal", inside=at.inside).body == ICS


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_a_refusal_is_told_by_its_number(status):
    with (
        provider(cal=sends(b"no", status=status)) as at,
        pytest.raises(FetchFailed, match=str(status)),
    ):
        fetch(at.url + "cal", inside=at.inside)


def test_a_body_that_is_too_large_is_given_up():
    with (
        provider(cal=sends(b"x" * (MOST_BYTES + 1))) as at,
        pytest.raises(FetchFailed, match="larger than 2 MB"),
    ):
        fetch(at.url + "cal", inside=at.inside)


def test_a_body_without_end_is_given_up_at_the_limit():
    with (
        provider(cal=drips(b"x" * 1024 * 256, 0)) as at,
        pytest.raises(FetchFailed, match="larger than 2 MB"),
    ):
        fetch(at.url + "cal", inside=at.inside)


def test_a_packed_body_that_grows_too_large_is_given_up():
    bomb = gzip.compress(b"\0" * (200 * 1024 * 1024))
    with (
        provider(cal=sends(bomb, Content_Encoding="gzip")) as at,
        pytest.raises(FetchFailed, match="larger than 2 MB"),
    ):
        fetch(at.url + "cal", inside=at.inside)


def test_a_body_of_just_the_limit_is_read():
    with provider(cal=sends(b"x" * MOST_BYTES)) as at:
        assert len(fetch(at.url + "cal", inside=at.inside).body) == MOST_BYTES


@pytest.mark.parametrize("drip", [drips(b"x", 0.05), drips_headers], ids=["body", "headers"])
def test_bytes_that_drip_in_end_with_the_time(drip):
    started = time.monotonic()
    with provider(cal=drip) as at, pytest.raises(FetchFailed, match="took longer"):
        fetch(at.url + "cal", inside=at.inside, seconds=0.5)

    assert time.monotonic() - started < 3


def test_a_server_that_never_answers_ends_with_the_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        netloc = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(FetchFailed, match="took longer"):
            fetch(f"http://{netloc}/cal", inside=(netloc,), seconds=0.3)


def test_a_name_that_takes_for_ever_ends_with_the_time():
    released = threading.Event()

    def slow(host, port):
        released.wait(5)
        return ["8.8.8.8"]

    with pytest.raises(FetchFailed, match="took longer"):
        fetch("https://calendar.test/x", seconds=0.2, resolver=slow)
    released.set()


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (ICS[:10], {"Content_Length": str(len(ICS))}),
        (gzip.compress(ICS)[:-6], {"Content_Encoding": "gzip"}),
        (b"no gzip", {"Content_Encoding": "gzip"}),
        (ICS, {"Content_Encoding": "br"}),
    ],
    ids=["cut off", "packed, cut off", "not packed at all", "packed otherwise"],
)
def test_half_a_calendar_is_none(body, headers):
    with provider(cal=sends(body, **headers)) as at, pytest.raises(FetchFailed):
        fetch(at.url + "cal", inside=at.inside, seconds=2)


# --- Where it leads ----------------------------------------------------------------------


def test_three_redirects_are_followed_and_not_four():
    hops = {f"hop{n}": sends(b"", 302, Location=f"/hop{n + 1}") for n in range(4)}
    with provider(**hops, hop4=sends(ICS)) as at:
        assert fetch(at.url + "hop1", inside=at.inside).body == ICS
        with pytest.raises(FetchFailed, match="more than 3 times"):
            fetch(at.url + "hop0", inside=at.inside)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://127.0.0.1:1/secret",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://localhost/",
        "file:///etc/passwd",
        "http://calendar.test/plain",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(elsewhere):
    with (
        provider(cal=sends(b"", 302, Location=elsewhere)) as at,
        pytest.raises(FetchFailed) as failed,
    ):
        fetch(at.url + "cal", inside=at.inside, seconds=2)

    assert len(at.got) == 1
    assert "secret" not in str(failed.value)


def test_a_name_that_leads_inside_is_not_called():
    with provider(cal=sends(ICS)) as at, pytest.raises(FetchFailed, match="private network"):
        fetch(
            f"https://calendar.test:{at.server_port}/cal",
            resolver=lambda host, port: ["127.0.0.1"],
        )

    assert at.got == []


def test_a_name_is_asked_once_and_its_checked_number_is_the_one_connected_to(monkeypatch):
    asked, connected = [], []

    def rebinding(host, port):
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address, timeout):
        connected.append(address)
        raise OSError("nothing leaves the test")

    monkeypatch.setattr(wire.socket, "create_connection", connect)

    with pytest.raises(FetchFailed):
        fetch("https://calendar.test/cal", resolver=rebinding)

    assert asked == ["calendar.test"]
    assert connected == [("93.184.216.34", 443)]


def test_the_certificate_is_asked_for_the_name_and_not_for_the_number(monkeypatch):
    named = []

    class Context:
        def wrap_socket(self, plain, server_hostname):
            named.append(server_hostname)
            raise OSError("far enough")

    monkeypatch.setattr(wire.ssl, "create_default_context", Context)
    monkeypatch.setattr(wire.socket, "create_connection", lambda address, timeout: socket.socket())

    with pytest.raises(FetchFailed):
        fetch("https://calendar.test/cal", resolver=lambda host, port: ["93.184.216.34"])

    assert named == ["calendar.test"]


def test_a_server_without_a_certificate_is_told_in_words():
    with provider(cal=sends(ICS)) as at, pytest.raises(FetchFailed) as failed:
        fetch(at.url.replace("http", "https") + "cal?token=hush", inside=at.inside, seconds=2)

    assert "hush" not in str(failed.value)
