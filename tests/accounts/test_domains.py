import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import domains

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
ADDRESS_LIKE = st.text(alphabet="ab.@:/-_ü。[]<>\x00", max_size=20).map(lambda t: t + ".com")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme.com", "acme.com"),
        ("ACME.COM.", "acme.com"),
        ("acme.com:443", "acme.com"),
        ("https://emea.acme.co.uk:8080/jobs?x=1", "acme.co.uk"),
        ("//acme.com/x", "acme.com"),
        ("http://user:secret@www.acme.com", "acme.com"),
        ("Jane <jane@mail.acme.com>", "acme.com"),
        ("mailto:jane@acme.com", "acme.com"),
        ("acme.com/team@home", "acme.com"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("_dmarc.acme.com", "acme.com"),
    ],
)
def test_the_registrable_domain_is_found_in_hosts_addresses_and_urls(text, expected):
    assert domains.registrable(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "acme", "localhost", "co.uk", "10.0.0.1", "http://[::1]/", "a..com", "-a.com"),
        *("x\x00.com", "\ud800.com", "a_b.com", "x" * 64 + ".com", "a." * 5000 + "com", "n/a"),
    ],
)
def test_what_has_no_registrable_domain_gives_none(text):
    assert domains.registrable(text) is None
    assert domains.host(text) is None


def test_tenants_of_a_shared_host_are_not_one_company():
    assert domains.registrable("one.github.io") != domains.registrable("two.github.io")
    assert domains.registrable("github.io") == "github.io"


def test_the_host_keeps_its_subdomain_but_not_www():
    assert domains.host("https://www.emea.acme.com/") == "emea.acme.com"


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("ann@acme.com", "work"),
        ("ann@gmail.com", "free"),
        ("ANN@GMAIL.COM ", "free"),
        ("ann@hey.com", "free"),
        ("ann@tutanota.com", "free"),
        ("ann@mailinator.com", "disposable"),
        ("ann@any.mailinator.com", "disposable"),
        ("nonsense", "free"),
    ],
)
def test_mail_addresses_fall_into_three_classes(email, expected):
    assert domains.mail_class(email) == expected


def test_a_domain_on_both_lists_is_disposable():
    assert "mailinator.com" in domains.FREE
    assert domains.mail_class("a@mailinator.com") == "disposable"


def test_only_a_work_address_can_be_matched_by_domain():
    assert domains.account_domain("ann@emea.acme.co.uk") == "acme.co.uk"
    assert domains.account_domain("ann@gmail.com") is None
    assert domains.account_domain("ann@mailinator.com") is None
    assert domains.account_domain("acme.com") is None


@given(ANY_TEXT | ADDRESS_LIKE)
def test_no_text_is_too_strange(text):
    found = domains.registrable(text)

    assert found is None or (found.isascii() and domains.registrable(found) == found)
    host = domains.host(text)
    assert (host is None) == (found is None)
    assert host is None or domains.host(host) == host
    assert domains.mail_class(text) in {"work", "free", "disposable"}
    assert domains.account_domain(text) is None or domains.mail_class(text) == "work"
