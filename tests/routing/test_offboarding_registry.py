"""Nothing that names a rep or a user is forgotten when somebody leaves."""

from routing.models.offboarding import Way
from routing.offboarding import registry


def test_every_reference_to_a_rep_or_a_user_is_handed_over_or_called_history():
    forgotten = registry.unnamed()

    assert forgotten == [], (
        "These name a rep or a user. Hand them over by a kind in routing/offboarding/kinds, or "
        "say in routing/offboarding/history.py why they go on naming who left."
    )


def test_what_is_named_exists_and_is_one_of_the_two():
    assert registry.stale() == []
    assert registry.both() == []


def test_the_walk_sees_columns_links_and_what_inherits():
    names = {name for name, _ in registry.references()}

    assert {"routing.Lead.owner", "reps.Rep.backup", "reps.User_groups.user"} <= names
    assert not any("Historical" in name for name in names)


def test_a_kind_offers_its_default_and_its_way_out():
    for kind in registry.kinds():
        assert kind.default in kind.ways
        assert not kind.otherwise or kind.otherwise in kind.ways
        assert set(kind.ways) <= set(Way.values)


def test_every_history_says_why():
    assert all(len(why) > 10 for why in registry.history().values())
