"""Which places a calendar may be read from: the public internet, and nothing this side of it."""

import ipaddress

import pytest

from reps.feeds.addresses import place_of
from reps.net.addresses import AddressRefused, check_resolved, is_public

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",  # carrier-grade NAT
    "100.100.100.200",  # Alibaba's metadata
    "169.254.169.254",  # everybody else's
    "168.63.129.16",  # Azure's, public by its number
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b:1::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2001:0:7f00:1::",  # Teredo
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",  # Amazon's metadata
    "ff02::1",
    "2001:db8::1",
]
PUBLIC = ["8.8.8.8", "142.250.74.14", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_only_this_server_reaches_is_not_public(text):
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_everybody_reaches_is_public(text):
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://calendar.test/x.ics", "https://"),
        ("ftp://calendar.test/x.ics", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://calendar.test/", "https://"),
        ("calendar.test/x.ics", "https://"),
        ("https://", "https://"),
        ("https://me:hush@calendar.test/x.ics", "user name or password"),
        ("https://me@calendar.test/x.ics", "user name or password"),
        ("https://127.0.0.1/x.ics", "private network"),
        ("https://[::1]/x.ics", "private network"),
        ("https://[::ffff:169.254.169.254]/x", "private network"),
        ("https://calendar.test:99999/x", "not an address"),
        ("https://[::1/x", "not an address"),
        ("https://calendar.test/a b", "characters"),
        ("https://calendar.test/\r\nHost: evil", "characters"),
        ("https://cälendar.test/x", "characters"),
        ("https://calendar.test/" + "x" * 1000, "longer"),
    ],
)
def test_an_address_that_is_never_called_is_refused_in_words(url, words):
    with pytest.raises(AddressRefused, match=words) as refused:
        place_of(url)

    assert "hush" not in str(refused.value)


def test_a_good_address_is_taken_apart():
    place = place_of("https://calendar.test:8443/a/b.ics?token=x#part")

    assert (place.host, place.port, place.target) == ("calendar.test", 8443, "/a/b.ics?token=x")
    assert place.netloc == "calendar.test:8443"


def test_webcal_means_https():
    place = place_of("webcal://calendar.test/x.ics")

    assert (place.scheme, place.port, place.netloc) == ("https", 443, "calendar.test")


def test_a_host_that_the_settings_name_is_exempt_with_just_its_port():
    inside = ("127.0.0.1:8080",)

    assert place_of("http://127.0.0.1:8080/x", inside=inside).inside
    with pytest.raises(AddressRefused):
        place_of("http://127.0.0.1:8081/x", inside=inside)


def test_every_number_behind_a_name_must_be_public():
    place = place_of("https://calendar.test/x")

    assert check_resolved(place, ["8.8.8.8", "2606:4700::1111"])
    for numbers in ([], ["8.8.8.8", "10.0.0.1"], ["fe80::1%eth0"], ["not a number"]):
        with pytest.raises(AddressRefused):
            check_resolved(place, numbers)
