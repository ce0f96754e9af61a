"""Named accounts: who holds what on a day, files of them, contradictions, temporary cover."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, AccountOwner, Cover, Opportunity
from accounts.services import conflicts, covers, exports, holders, imports, ownership
from reps import tables
from reps.downloads import csv_lines
from routing import cover_named
from routing.models import Lead, Organisation
from tests import make

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
TODAY = AT.date()
DAY = timedelta(days=1)
Role = AccountOwner.Role


@pytest.fixture
def boss():
    make.organisation()
    return make.user("boss", group="revops")


@pytest.fixture
def people():
    return {name: make.rep(name) for name in ("ann", "ben", "cem")}


# --- Who holds it ------------------------------------------------------------------------


def test_a_role_that_nobody_is_named_for_comes_from_the_nearest_parent(people):
    top, middle = make.account("Top"), make.account("Middle")
    part = make.account("Part", parent=middle)
    middle.parent = top
    make.saved(middle)
    make.account_owner(top, people["ann"])
    make.account_owner(top, people["cem"], role=Role.BACKUP)
    make.account_owner(middle, people["ben"])

    held = holders.effective([part.pk], TODAY)[part.pk]

    assert held[Role.OWNER] == holders.Held(people["ben"].pk, middle.pk, True)
    assert held[Role.BACKUP] == holders.Held(people["cem"].pk, top.pk, True)


def test_a_change_to_come_takes_effect_on_its_day_and_can_be_taken_back(people, boss):
    account = make.account()
    make.account_owner(account, people["ann"])
    row = ownership.set_owner(
        account=account,
        rep=people["ben"],
        role=Role.OWNER,
        starts_on=TODAY + 3 * DAY,
        by=boss,
        at=AT,
    )

    def holder(day):
        return holders.named([account.pk], day)[account.pk][Role.OWNER]

    assert (holder(TODAY), holder(TODAY + 3 * DAY)) == (people["ann"].pk, people["ben"].pk)
    ownership.cancel_change(holding=row, by=boss, at=AT)
    assert holder(TODAY + 30 * DAY) == people["ann"].pk


@pytest.mark.parametrize(
    ("motion", "first", "taker"),
    [("INBOUND", "OWNER", "ann"), ("INBOUND", "SDR", "ben"), ("OUTBOUND", "OWNER", "ann")],
)
def test_the_organisation_says_which_role_takes_leads(people, boss, motion, first, taker):
    organisation = Organisation.get()
    organisation.named_inbound = first
    make.saved(organisation)
    make.rules({"path": {"target": {"kind": "account_owner"}}})
    account = make.account("Globex", domain="globex.com")
    make.account_owner(account, people["ann"])
    make.account_owner(account, people["ben"], role=Role.SDR)

    lead = make.lead({"email": "x@globex.com"}, source=make.source(motion=motion))
    lead = make.routed(lead)

    assert lead.owner == people[taker]


def test_the_accounts_backup_takes_over_while_its_owner_is_away(people, boss):
    make.rules({"path": {"target": {"kind": "account_owner"}}})
    account = make.account("Globex", domain="globex.com")
    make.account_owner(account, people["ann"])
    make.account_owner(account, people["cem"], role=Role.BACKUP)
    make.absence(people["ann"], AT - DAY, AT + DAY)

    assert make.routed(make.lead({"email": "x@globex.com"})).owner == people["cem"]


# --- Files -------------------------------------------------------------------------------


def table(text: str) -> tables.Table:
    return tables.read("accounts.csv", text.encode())


def take(text: str, work=imports.import_accounts):
    read = table(text)
    return work(table=read, data=imports.by_header(read), by=None, at=AT)


def test_a_file_names_owners_by_address_and_twice_changes_nothing(people):
    text = "name,owner,sdr,backup\nGlobex,ann@reps.test,BEN@reps.test,cem@reps.test\n"

    first, second = take(text), take(text)

    assert (first.created, second.unchanged) == (1, 1)
    assert second.differences == []
    held = holders.named([Account.objects.get().pk], TODAY)
    assert held[Account.objects.get().pk] == {
        Role.OWNER: people["ann"].pk,
        Role.SDR: people["ben"].pk,
        Role.BACKUP: people["cem"].pk,
    }


def test_a_look_at_a_file_says_what_differs_and_changes_nothing(people):
    take("name,owner,city\nGlobex,ann@reps.test,Bonn\n")

    seen = take("name,owner,city\nGlobex,ben@reps.test,Köln\n", imports.preview_accounts)

    assert [(one.field, one.before, one.after) for one in seen.differences] == [
        ("city", "Bonn", "Köln"),
        ("owner", "ann@reps.test", "ben@reps.test"),
    ]
    assert Account.objects.get().city == "Bonn"
    assert AccountOwner.objects.get().rep == people["ann"]


def test_a_row_with_an_unknown_address_is_named_and_leaves_nothing(people):
    tally = take("name,owner\nGlobex,nobody@else.test\nInitech,ann@reps.test\n")

    assert [str(one) for one in tally.problems] == [
        "row 2: owner: no rep has the e-mail address “nobody@else.test”."
    ]
    assert [one.name for one in Account.objects.all()] == ["Initech"]


def test_what_is_exported_is_read_back_without_a_difference(people):
    make.account_owner(make.account("=Globex", city="Bonn", aliases=["Glo", "Bex"]), people["ann"])
    part = make.account("Part", parent=Account.objects.get(), employees=12)
    make.account_owner(part, people["ben"], role=Role.SDR)

    text = "".join(csv_lines(exports.HEADER, exports.rows(TODAY)))
    tally = take(text)

    assert (tally.unchanged, tally.differences, tally.problems) == (2, [], [])


def test_a_dash_means_nobody_any_more_and_a_day_to_come_waits(people):
    take("name,owner\nGlobex,ann@reps.test\n")
    later = TODAY + 7 * DAY
    take(f"name,owner,owner_from\nGlobex,ben@reps.test,{later}\n")
    account = Account.objects.get()

    assert holders.named([account.pk], TODAY)[account.pk][Role.OWNER] == people["ann"].pk
    assert holders.named([account.pk], later)[account.pk][Role.OWNER] == people["ben"].pk


# --- Contradictions ----------------------------------------------------------------------


@pytest.fixture
def tangle(people):
    """One conflict of every kind."""
    ann, ben, cem = people.values()
    gone = make.rep("gone", is_active=False)
    twin, other = (
        make.account("Globex", domain="globex.com"),
        make.account("Globex Two", domain="globex.com"),
    )
    make.account_owner(twin, ann)
    make.account_owner(other, ben)
    group = make.account("Group")
    make.account_owner(group, ann)
    make.account_owner(make.account("Part of it", parent=group), ben)
    left = make.account("Left")
    make.account_owner(left, gone)
    make.account_owner(left, cem, role=Role.BACKUP)
    make.territory("France", countries=["FR"], owner=cem)
    make.account_owner(make.account("Paris SA", country="FR"), ann)
    sold = make.account("Sold")
    make.account_owner(sold, ann)
    make.opportunity(sold, ben)
    alone = make.account("Alone")
    make.account_owner(alone, ann)
    make.account_owner(alone, ann, role=Role.BACKUP)
    make.account_owner(make.account("Nobody's"), ben, role=Role.SDR)


def test_every_kind_of_conflict_is_found_once(tangle):
    assert [(one.kind, one.name) for one in conflicts.find(AT)] == [
        ("gone", "Left"),
        ("twice", "Globex"),
        ("parent", "Part of it"),
        ("territory", "Paris SA"),
        ("deal", "Sold"),
        ("own_backup", "Alone"),
        ("no_owner", "Nobody's"),
    ]


def test_each_way_out_settles_its_conflict(tangle, boss):
    for one in conflicts.find(AT):
        assert one.ways, one.kind
        conflicts.settle(key=one.key, do=one.ways[0].do, by=boss, at=AT)

        assert one.key not in [left.key for left in conflicts.find(AT, kinds=[one.kind])]
    assert conflicts.find(AT) == []
    assert Opportunity.objects.get().owner.user.username == "ann"


def test_what_is_settled_already_is_refused(tangle, boss):
    (one,) = conflicts.find(AT, kinds=["own_backup"])
    conflicts.settle(key=one.key, do="end", by=boss, at=AT)

    with pytest.raises(conflicts.ConflictGone):
        conflicts.settle(key=one.key, do="end", by=boss, at=AT)


def test_statements_of_conflicts_do_not_grow(tangle, people):
    with CaptureQueriesContext(connection) as few:
        conflicts.find(AT)
    for number in range(10):
        account = make.account(domain=f"same{number % 2}.com", country="FR")
        make.account_owner(account, people["ann"] if number % 3 else people["ben"])
    with CaptureQueriesContext(connection) as many:
        conflicts.find(AT)

    assert len(many) == len(few)


def test_a_manager_settles_nothing_of_another_team(client, tangle):
    client.force_login(make.user("stranger", group="manager"))
    (one,) = conflicts.find(AT, kinds=["own_backup"])

    answer = client.post(reverse("conflict_settle"), {"key": one.key, "do": "end"})

    assert answer.status_code == 403


# --- Cover -------------------------------------------------------------------------------


def cover(people, account=None, **more) -> Cover:
    more.setdefault("what", Cover.What.OPEN)
    return Cover(
        account=account,
        rep=people["ann"],
        stand_in=people["ben"],
        starts_at=AT,
        ends_at=AT + DAY,
        **more,
    )


def test_cover_of_an_account_takes_new_leads_and_open_ones_and_ends_by_itself(people, boss):
    make.rules({"path": {"target": {"kind": "account_owner"}}})
    account = make.account("Globex", domain="globex.com")
    make.account_owner(account, people["ann"])
    open_one = make.routed(make.lead({"email": "a@globex.com"}))
    elsewhere = make.owned(people["ann"])
    covers.add(cover=cover(people, account), by=boss, at=AT)

    cover_named.drain(driver="test", due_before=AT)
    new_one = make.routed(make.lead({"email": "b@globex.com"}))
    during = {x.pk: Lead.objects.get(pk=x.pk).owner for x in (open_one, new_one, elsewhere)}
    cover_named.drain(driver="test", due_before=AT + DAY)
    cover_named.drain(driver="test", due_before=AT + DAY)
    last_at = AT + DAY
    last = make.routed(make.lead({"email": "c@globex.com"}, at=last_at), at=last_at)

    ann, ben = people["ann"], people["ben"]
    assert list(during.values()) == [ben, ben, ann]
    # What came while it ran stays with whoever took it; what was moved comes back.
    after = [Lead.objects.get(pk=x.pk).owner for x in (open_one, new_one, last)]
    assert after == [ann, ben, ann]


def test_cover_of_a_territory_is_respected_and_ended_early(people, boss):
    make.rules({"path": {"target": {"kind": "territory_owner"}}})
    france = make.territory("France", countries=["FR"], owner=people["ann"])
    made = covers.add(cover=cover(people, territory=france), by=boss, at=AT)

    first = make.routed(make.lead({"country": "FR"}))
    covers.end(cover=made, by=boss, at=AT + timedelta(hours=1))
    later = AT + timedelta(hours=2)
    second = make.routed(make.lead({"country": "FR"}, at=later), at=later)

    assert (first.owner, second.owner) == (people["ben"], people["ann"])


def test_nobody_covers_what_is_covered(people, boss):
    account = make.account()
    covers.add(cover=cover(people, account), by=boss, at=AT)

    with pytest.raises(Exception, match="covers it in that time"):
        covers.add(cover=cover(people, account), by=boss, at=AT)


# --- Pages -------------------------------------------------------------------------------


def test_the_pages_say_what_is_there(client, boss, people, tangle, subtests):
    client.force_login(boss)
    covers.add(cover=cover(people, Account.objects.get(name="Group")), by=boss, at=AT)
    part = Account.objects.get(name="Part of it")
    pages = {
        reverse("accounts"): "Paris SA",
        reverse("accounts") + "?only=covered": "Accounts",
        reverse("account", args=[part.pk]): "The group",
        reverse("account_conflicts"): "would stand in for themselves",
        reverse("covers"): "Let somebody stand in",
        reverse("account_import"): "owner_from",
    }
    for address, words in pages.items():
        with subtests.test(address):
            answer = client.get(address)

            assert answer.status_code == 200
            assert words in answer.content.decode()


def test_a_file_is_looked_at_and_then_taken_in(client, boss, people):
    from django.core.files.uploadedfile import SimpleUploadedFile

    client.force_login(boss)
    file = SimpleUploadedFile("a.csv", b"name,owner\nGlobex,ann@reps.test\n")

    seen = client.post(reverse("account_import"), {"file": file})
    before = Account.objects.count()
    client.post(
        reverse("account_import"),
        {"do": "start", "name": "a.csv", "content": seen.context_data["content"]},
    )

    assert "ann@reps.test" in seen.content.decode()
    assert (before, Account.objects.count()) == (0, 1)
    answer = client.get(reverse("account_export"))
    assert b"Globex" in b"".join(answer.streaming_content)
