import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import names

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
NAME_LIKE = st.lists(
    st.sampled_from(
        [
            *("The", "the", "(The)", "Acme", "Müller", "ß", "Ø", "トヨタ", "&", "&amp;", "S", "A"),
            *("Co.", "CO", "Company", "Inc.", "Ltd", "Limited", "Private", "Corp.", "GmbH", "KG"),
            *("S.A.", "de", "CV", "AG", "A/S", "Oy", "Ab", "L", "P.", "株式会社", "/DE/", "/NEW/"),
            *("Intl.", "Ins.", "Bros"),
        ]
    ),
    min_size=1,
    max_size=8,
).map(" ".join)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Kroger Co.", "KROGER CO (THE)"),
        ("AT&amp;T Inc.", "AT and T"),
        ("Müller GmbH & Co. KG", "Muller"),
        ("L'Oréal S.A.", "LOREAL SA"),
        ("L’Oréal", "L'Oreal"),
        ("Ørsted A/S", "Orsted"),
        ("Straße AG", "STRASSE"),
        ("KEYCORP /NEW/", "KeyCorp"),
        ("SEALED AIR CORP/DE", "Sealed Air"),
        ("Packaging Corp. of America", "packaging corporation of america"),
        ("Expeditors Intl. of Washington", "Expeditors International of Washington, Inc."),
        ("トヨタ自動車株式会社", "株式会社トヨタ自動車"),
        ("ﬁnance ＆ Co", "Finance"),
        ("Ac\u00admé\u200b", "acme"),
        ("Foo S. A. de C. V.", "foo"),
        ("Wal-Mart", "Wal Mart"),
    ],
)
def test_spellings_of_one_name_become_equal(one, other):
    assert names.normalise(one) == names.normalise(other)


def test_a_legal_form_inside_the_name_stays():
    assert names.normalise("AS Roma Inc") == "as roma"
    assert names.normalise("Co Star Ltd") == "company star"


def test_words_that_only_look_like_legal_forms_stay():
    assert names.normalise("Sit In") == "sit in"
    assert names.normalise("Growth Fund II") == "growth fund ii"


def test_a_name_of_nothing_but_legal_forms_keeps_one():
    assert names.normalise("The Limited") == "limited"
    assert names.normalise("The The") == "the"
    assert names.normalise("A/S") == "a s"


def test_a_name_without_letters_falls_back_to_its_signs():
    assert names.normalise(" !!! ") == "!!!"
    assert names.normalise("¯") == "¯"
    assert names.normalise("\x00") == "\ufffd"
    assert names.normalise("\ud800") == "\ufffd"


def test_only_an_empty_name_is_empty():
    assert names.normalise("") == ""
    assert names.normalise(" \t\n") == ""


def test_marks_that_are_letters_stay():
    assert names.normalise("ガス") != names.normalise("カス")


def test_the_key_has_no_spaces():
    assert names.key("Wal-Mart Stores, Inc.") == names.key("WALMART STORES") == "walmartstores"


def test_an_acronym_leaves_out_joining_words():
    assert names.acronym("Bank of America Corp.") == "ba"
    assert names.acronym("International Business Machines") == "ibm"
    assert names.acronym("Acme Inc") == ""


def test_a_name_states_its_alternates_in_parentheses():
    assert names.alternates("Jones Lang LaSalle (JLL)") == ("Jones Lang LaSalle", "JLL")
    assert names.alternates("Prudential Financial (U.S.)") == ("Prudential Financial",)
    assert names.alternates("Acme") == ()


def test_the_table_of_legal_forms_states_its_source_and_licence():
    path = Path(names.__file__).with_name("legal_forms.json")

    table = json.loads(path.read_text(encoding="utf-8"))

    assert "opensanctions/rigour" in table["source"]
    assert "MIT" in table["licence"]
    assert table["forms"] == sorted(set(table["forms"]))
    assert not set(table["excluded"]) & set(table["forms"])


def test_every_legal_form_in_the_table_is_taken_off():
    for form in names.LEGAL_FORMS:
        assert names.normalise("zzyzx " + " ".join(form)) == "zzyzx", form


@given(ANY_TEXT | NAME_LIKE)
def test_normalising_twice_changes_nothing(name):
    once = names.normalise(name)

    assert names.normalise(once) == once


@given(ANY_TEXT)
def test_any_text_has_a_clean_normal_form(name):
    normal = names.normalise(name)

    assert bool(normal) == bool(name.strip())
    assert "\x00" not in normal
    normal.encode("utf-8")
    assert normal == normal.strip()
    names.acronym(name), names.alternates(name), names.tokens(name)


@given(NAME_LIKE)
def test_capitals_and_outer_spaces_do_not_matter(name):
    assert names.normalise(name.upper()) == names.normalise(name)
    assert names.normalise(f"  {name}\t") == names.normalise(name)


def test_a_very_long_name_is_no_trouble():
    assert names.normalise("Acme " + "Ltd " * 20_000) == "acme"
