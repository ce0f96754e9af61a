"""What holds for every lead and every book, and what a small labelled book must get right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import names
from accounts.matching import (
    MATCH_AT,
    TIE_BREAKERS,
    Candidate,
    Index,
    LeadIdentity,
    blocking,
    calibration,
    evidence,
    match,
)
from accounts.matching.coefficients import MODEL
from accounts.matching.prepared import Account, Lead
from accounts.matching.words import COMMON, plain_weight, rarity
from accounts.transliteration import latin
from tests.accounts.test_matching import BOOKS, LEADS

OWN = st.sampled_from(["zephyr", "quixote", "brontes", "halcyon", "mirador", "tessera"])
FORMS = st.sampled_from(["Inc", "Inc.", "LLC", "GmbH", "S.A.", "Ltd", "PLC", "A/S", "Oyj", "ООО"])
PLACES = ["other country", "other state", "", "same state", "same city"]

# Invented companies, in the ways that real files write them.
BOOK = [
    Candidate("A1", "Zephyr Marine", ("zephyr.com",), city="Oslo", country="NO"),
    Candidate("A2", "Halcyon Holdings", ("halcyon.com",), city="Reno", state="NV", country="US"),
    Candidate("A3", "Brontes & Daughters", ("brontes.co.uk",), country="GB"),
    Candidate("A4", "First Mirador Bank", ("miradorbank.com",), city="Lima", country="PE"),
    Candidate("A5", "Quixote Communications", ("quixote.com",), city="Elko", state="NV"),
    Candidate("A6", "Tessera Steel", ("tessera.com",), ("Old Foundry Works",), parent_id="A2"),
    Candidate("A7", "United Services", ("us-services.com",)),
]
LABELLED = [
    (LeadIdentity("ZEPHYR MARINE INC /DE/"), "A1"),
    (LeadIdentity("Zephyr Marine ASA", city="Oslo", country="Norway"), "A1"),
    (LeadIdentity("Zephyr Marine Services", city="oslo"), "A1"),
    (LeadIdentity("Brontes &amp; Daughters, Ltd."), "A3"),
    (LeadIdentity("The Brontes and Daughters PLC"), "A3"),
    (LeadIdentity("Quixote", city="Elko", state="Nevada"), "A5"),
    (LeadIdentity("first mirador bancorp", city="Lima"), "A4"),
    (LeadIdentity("Old Foundry Works LLC"), "A6"),
    (LeadIdentity("", "eu.zephyr.com"), "A1"),
    (LeadIdentity("Something else", "tessera.com"), "A6"),
    (LeadIdentity("Halcyon MuniYield Income Fund"), None),
    (LeadIdentity("Zephyr Dental Clinic"), None),
    (LeadIdentity("Marine Corp"), None),
    (LeadIdentity("Mirador Gaming"), None),
    (LeadIdentity("United Logistics Services"), None),
    (LeadIdentity("Tessera Steel", "tessera-steel-art.com"), None),
    (LeadIdentity("Nobody", "gmail.com"), None),
]


@pytest.mark.parametrize(("lead", "account"), LABELLED)
def test_a_small_labelled_book_is_answered_right(lead, account):
    found = Index(BOOK).match(lead)

    assert (found.account_id if found.verdict == "match" else None) == account


@settings(max_examples=40)
@given(OWN, FORMS, FORMS, BOOKS)
def test_the_legal_form_does_not_matter(own, form, other, book):
    book = [*book, Candidate(99, f"{own} {form}")]

    assert match(LeadIdentity(f"{own} {other}"), book) == match(LeadIdentity(own), book)


@pytest.mark.parametrize(
    ("native", "in_english"),
    [
        ("Газпром нефть", "Gazprom Neft"),
        ("ПАО Лукойл", "Lukoil"),
        ("Εθνική Τράπεζα", "Ethniki Trapeza"),
        ("トヨタ", "Toyota"),
        ("საქართველო", "Sakartvelo"),
        ("Crédit Agricole", "Credit Agricole"),
        ("Ørsted A/S", "Orsted"),
    ],
)
def test_another_script_is_the_same_name(native, in_english):
    stripped = names.normalise(native).removeprefix("pao ")

    assert stripped == names.normalise(in_english)


def test_vowels_that_a_script_leaves_out_leave_the_sound():
    book = [Candidate(1, "Al Rajhi Sons"), Candidate(2, "Al Rajab Sons")]

    found = Index(book).match(LeadIdentity("الراجحي Sons"))

    assert found.contenders == () or found.contenders[0].account_id == 1


@given(st.text(max_size=20))
def test_latin_letters_are_never_changed_and_reading_twice_changes_nothing(text):
    folded = names.fold(text)

    assert latin(latin(folded)) == latin(folded)
    assert not folded.isascii() or latin(folded) == folded


@settings(max_examples=40)
@given(LEADS, BOOKS)
def test_contenders_are_ordered_and_say_what_beat_them(lead, book):
    found = match(lead, book)

    assert len(found.contenders) <= 5
    assert len({one.account_id for one in found.contenders}) == len(found.contenders)
    for place, one in enumerate(found.contenders):
        assert bool(one.beaten_by) == bool(place)
        assert one.evidence
        assert 0 <= one.confidence <= 1
        assert place == 0 or one.beaten_by in {*TIE_BREAKERS, "place"}
    if found.account_id is not None:
        assert found.contenders[0].account_id == found.account_id
        assert found.contenders[0].confidence == found.confidence


@settings(max_examples=40)
@given(LEADS, BOOKS)
def test_one_more_candidate_of_another_name_changes_no_confidence(lead, book):
    stranger = Candidate(77, "Xyzzyx Plughwork")

    before = {one.account_id: one.confidence for one in match(lead, book).contenders}
    after = {one.account_id: one.confidence for one in match(lead, [*book, stranger]).contenders}

    assert after == before


@given(OWN, st.sampled_from(["", "marine", "xylem"]), st.sampled_from(["", "marine", "energy"]))
def test_a_nearer_place_never_speaks_against(own, more, other):
    lead, account = Lead(LeadIdentity(f"{own} {more}")), Account(Candidate(1, f"{own} {other}"))
    features, _ = evidence.name_evidence(lead, account, plain_weight)

    chances = [
        calibration.by_name(evidence.with_place(features, place), place, MODEL) for place in PLACES
    ]

    assert chances == sorted(chances)


@given(OWN, st.lists(st.sampled_from(["xylem", "quark", "marine", "income"]), max_size=3))
def test_a_word_more_on_one_side_never_makes_it_likelier(own, more):
    account = Account(Candidate(1, f"{own} tractors"))

    def chance(words):
        lead = Lead(LeadIdentity(" ".join([own, "tractors", *words])))
        features, _ = evidence.name_evidence(lead, account, plain_weight)
        return calibration.by_name(features, "", MODEL)

    assert chance([]) >= chance(more)


def test_every_weight_points_where_its_evidence_does():
    for name, sign in calibration.SIGNS.items():
        assert MODEL.weights.get(name, 0.0) * sign >= 0, name
    assert set(MODEL.weights) <= {*calibration.SIGNS, "similar", "acronym"}


@given(OWN, st.sampled_from(["gmail.com", "mail.gmail.com", "yahoo.com", "mailinator.com"]))
def test_a_free_mail_domain_says_nothing(own, domain):
    book = [Candidate(1, "Webmail", (domain,)), Candidate(2, own)]

    found = match(LeadIdentity(own, domain), book)

    assert found.account_id == 2
    assert all(one.account_id != 1 for one in found.contenders)


def test_a_rarer_word_says_more():
    counts = {"rare": 1, "often": 40}
    weigh = rarity(lambda word: counts.get(word, 0), 1000)

    assert weigh("of") == 0 < weigh("group") < weigh("bank") < weigh("often") < weigh("rare") <= 1


def test_a_common_word_is_no_key_but_two_together_are():
    keys = blocking.keys_of_account(Account(Candidate(1, "General Electric Company")))

    assert "general" in COMMON
    assert (blocking.WORD, "general") not in keys
    assert (blocking.WORD, "generalelectric") in keys


def test_reading_keys_is_bounded_and_begins_with_the_sure_ones():
    keys = [("WORD", f"w{number}") for number in range(50)] + [("NAME", "acme"), ("WORD", "all")]
    sizes = dict.fromkeys(keys, 100) | {("WORD", "all"): blocking.COMMON_FROM + 1}

    chosen = blocking.worth_reading(keys, sizes)

    assert chosen[0] == ("NAME", "acme")
    assert ("WORD", "all") not in chosen
    assert sum(sizes[key] for key in chosen) <= blocking.MOST_READ


def test_tie_breakers_order_a_contest_and_a_clear_loser_says_by_what():
    plain, named = Candidate(1, "Mirador"), Candidate(2, "Mirador", is_named=True)
    tower = Candidate(3, "Mirador Towers")

    found = match(LeadIdentity("Mirador"), [plain, named, tower])

    assert found.verdict == "review"
    assert [(one.account_id, one.beaten_by) for one in found.contenders[:2]] == [
        (2, ""),
        (1, "named_account"),
    ]
    assert [one.beaten_by for one in found.contenders[2:]] in ([], ["name"])
    assert found.confidence >= MATCH_AT


def test_the_parent_comes_before_its_child_of_the_same_domain():
    child = Candidate(1, "Tessera Steel", ("tessera.com",), parent_id=2)
    parent = Candidate(2, "Tessera", ("tessera.com",))

    found = match(LeadIdentity("", "tessera.com"), [child, parent])

    assert [(one.account_id, one.beaten_by) for one in found.contenders] == [(2, ""), (1, "parent")]
