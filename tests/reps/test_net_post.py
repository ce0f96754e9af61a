"""What is posted leaves for the public internet only, and costs ten seconds and 64 KB at most."""

import socket
import time

import pytest

from reps.net import post as posting
from reps.net.addresses import AddressRefused
from reps.net.post import MOST_BYTES, PostFailed, post
from tests.reps.receiver import drips, hangs, never_ends, receiving, says

SEND = {"body": b"{}", "headers": {"Content-Type": "application/json"}}


def test_a_body_arrives_with_its_headers_and_the_answer_comes_back():
    with receiving(says(202, b"taken", Retry_After="7")) as at:
        answer = post(f"{at.url}/x?y=1", inside=[at.netloc], **SEND)

    (request,) = at.got
    assert (request.method, request.path, request.body) == ("POST", "/x?y=1", b"{}")
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Host"] == at.netloc
    assert request.headers["Content-Length"] == "2"
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (202, b"taken", "7")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status):
    with receiving() as inside, receiving(says(status, Location=f"{inside.url}/in")) as at:
        answer = post(at.url, inside=[at.netloc, inside.netloc], **SEND)

    assert answer.status == status
    assert inside.got == []


def test_of_a_body_without_end_64_kb_are_read():
    with receiving(never_ends) as at:
        answer = post(at.url, inside=[at.netloc], **SEND)

    assert (answer.status, len(answer.body)) == (200, MOST_BYTES)


@pytest.mark.parametrize("behaviour", [hangs, drips], ids=["hangs", "drips"])
def test_a_receiver_that_takes_its_time_is_left_in_time(behaviour):
    began = time.monotonic()
    with receiving(behaviour) as at, pytest.raises(PostFailed, match="took longer"):
        post(at.url, inside=[at.netloc], seconds=0.3, **SEND)

    assert time.monotonic() - began < 3


def test_a_receiver_that_is_away_is_told_without_its_address():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        netloc = f"127.0.0.1:{closed.getsockname()[1]}"

    with pytest.raises(PostFailed) as failed:
        post(f"http://{netloc}/secret", inside=[netloc], **SEND)

    assert "secret" not in str(failed.value)


def test_a_header_cannot_carry_another():
    with receiving() as at, pytest.raises(PostFailed):
        post(at.url, body=b"", headers={"X-Key": "a\r\nX-Other: b"}, inside=[at.netloc])

    assert at.got == []


# --- Where it may not lead (reliability, fault 84) ---------------------------------------

# Every way we know to write this machine, this network, or a cloud's metadata service.
HOSTS = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ip6-localhost",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[::ffff:169.254.169.254]",
    "169.254.169.254",
    "169.254.170.2",
    "168.63.129.16",
    "100.100.100.200",
    "100.64.0.1",
    "192.0.0.192",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "user@127.0.0.1",
    "hooks.slack.com@127.0.0.1",
    "hooks.slack.com#@127.0.0.1",
    "127.0.0.1\\@hooks.slack.com",
    "127.0.0.1%00.hooks.slack.com",
    "127.0.0.1%0d%0aHost:%20x",
    "metadata.google.internal",
    "rebinds.test",
    "both.test",
]
# What the resolver of an attacker says: inside at once, or among honest numbers.
NAMES = {
    "metadata.google.internal": ["169.254.169.254"],
    "rebinds.test": ["127.0.0.1"],
    "both.test": ["93.184.216.34", "127.0.0.1"],
}


def resolver(host, port):
    """The system's own for numbers written in odd ways; nothing else is looked up in a test."""
    if host in NAMES:
        return NAMES[host]
    flags = socket.AI_NUMERICHOST if host not in ("localhost", "ip6-localhost") else 0
    return [row[4][0] for row in socket.getaddrinfo(host, port, type=1, flags=flags)]


@pytest.mark.parametrize("host", HOSTS)
def test_no_way_of_writing_an_inside_address_is_called(host, monkeypatch):
    """
    A canary listens on loopback, at the port that would be called, and nobody comes; nor is any
    connection tried anywhere.
    """
    tried = []
    connect = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda *args, **kw: tried.append(args) or connect(*args, **kw)
    )
    with receiving() as canary:
        port = int(canary.netloc.rpartition(":")[2])
        monkeypatch.setattr(posting, "PORTS", (443, port))
        for scheme in ("https", "http"):
            with pytest.raises((AddressRefused, PostFailed)):
                post(f"{scheme}://{host}:{port}/x", resolver=resolver, seconds=1, **SEND)

    assert (canary.got, tried) == ([], [])


def test_a_public_host_is_called_at_443_only():
    for port in (22, 80, 8080, 6379, 8443):
        with pytest.raises(AddressRefused, match="port"):
            post(f"https://hooks.slack.com:{port}/x", **SEND)


def test_a_name_is_asked_once_and_its_checked_number_connected_to(monkeypatch):
    asked, connected = [], []

    def rebinding(host, port):
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address, timeout):
        connected.append(address)
        raise OSError("nothing leaves the test")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(PostFailed):
        post("https://hooks.slack.com/x", resolver=rebinding, **SEND)

    assert (asked, connected) == (["hooks.slack.com"], [("93.184.216.34", 443)])
