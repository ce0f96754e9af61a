"""The guide and what it leads to: organisation, pools, queues, sources, forms."""

import pytest
from django.urls import reverse

from reps.models import AuditEvent
from routing import keys
from routing.models import LeadForm, Organisation, Pool, Queue, Source
from tests import make

pytestmark = pytest.mark.django_db
PAGES = [
    "setup",
    "setup_organisation",
    "pools",
    "pool_add",
    "queues",
    "queue_add",
    "sources",
    "source_add",
    "leadform_add",
]


@pytest.fixture
def manager(client):
    user = make.user("morgan", group="manager")
    client.force_login(user)
    return user


@pytest.mark.parametrize("name", PAGES)
def test_a_manager_opens_every_page_of_the_set_up(client, manager, name):
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", [*PAGES, "setup_rules"])
def test_a_rep_sets_nothing_up(client, name):
    client.force_login(make.user(group="rep"))

    assert client.get(reverse(name)).status_code == 403
    assert client.post(reverse(name), {}).status_code == 403


def test_the_guide_begins_with_the_organisation(client, manager):
    page = client.get(reverse("setup"))

    steps = {row["step"].key: row for row in page.context["rows"]}
    assert steps["organisation"]["next"]
    assert not any(row["state"].done for row in page.context["rows"])
    assert not steps["reps"]["ready"]


def test_founding_makes_the_waiting_room_and_whoever_did_it_responsible(client, manager):
    client.post(reverse("setup_organisation"), {"name": "Acme"})

    organisation = Organisation.get()
    assert organisation.name == "Acme"
    assert organisation.responsible == manager
    assert organisation.intake_queue.name == "Waiting room"
    assert organisation.intake_queue.pool is None
    assert organisation.history.get().history_user == manager


def test_a_pool_is_saved_with_members_and_weights(client, manager):
    team = make.team(manager=manager)
    one, two = make.rep("one", team=team), make.rep("two", team=team)

    answer = client.post(
        reverse("pool_add"),
        {"name": "East", "m_rep": [one.pk, two.pk, ""], "m_weight": ["2", "1", "1"]},
    )

    assert answer.status_code == 302
    pool = Pool.objects.get(name="East")
    assert list(pool.members.values_list("rep", "weight", "position")) == [
        (one.pk, 2, 0),
        (two.pk, 1, 1),
    ]


def test_only_members_that_differ_are_written(client, manager):
    team = make.team(manager=manager)
    one, two = make.rep("one", team=team), make.rep("two", team=team)
    pool = make.pool(one, two)
    before = {row.rep_id: row.history.count() for row in pool.members.all()}

    client.post(
        reverse("pool", args=[pool.pk]),
        {"name": pool.name, "m_rep": [one.pk, two.pk], "m_weight": ["1", "3"]},
    )

    after = {row.rep_id: row.history.count() for row in pool.members.all()}
    assert after == {one.pk: before[one.pk], two.pk: before[two.pk] + 1}


def test_a_mistake_in_a_row_keeps_what_was_typed(client, manager):
    rep = make.rep("one", team=make.team(manager=manager))

    page = client.post(reverse("pool_add"), {"name": "East", "m_rep": [rep.pk], "m_weight": ["0"]})

    assert page.status_code == 422
    assert "1 to 100" in page.content.decode()
    assert 'value="East"' in page.content.decode()
    assert not Pool.objects.exists()


def test_another_row_keeps_what_was_typed_and_saves_nothing(client, manager):
    rep = make.rep("one", team=make.team(manager=manager))

    page = client.post(
        reverse("pool_add"), {"name": "East", "m_rep": [rep.pk], "m_weight": ["7"], "act": "row"}
    )

    assert page.status_code == 200
    assert 'value="East"' in page.content.decode()
    assert [row.weight for row in page.context["rows"]] == ["7", "1"]
    assert not Pool.objects.exists()


def test_a_manager_adds_no_rep_of_another_team(client, manager):
    stranger = make.rep("stranger", team=make.team())

    page = client.post(
        reverse("pool_add"), {"name": "East", "m_rep": [stranger.pk], "m_weight": ["1"]}
    )

    assert page.status_code == 422
    assert not Pool.objects.exists()


def test_a_queue_names_who_answers_for_it(client, manager):
    pool = make.pool()

    client.post(
        reverse("queue_add"),
        {"name": "Shared", "pool": pool.pk, "responsible": manager.pk, "max_unworked": 3},
    )

    assert Queue.objects.get(name="Shared").responsible == manager


def test_the_first_form_makes_its_source(client, manager):
    client.post(
        reverse("leadform_add"),
        {
            "title": "Talk to us",
            "slug": "contact",
            "thanks": "Thank you.",
            "is_active": "on",
            "q_name": ["email", "own"],
            "q_label": ["Work e-mail", "Which plan?"],
            "q_choices": ["", "Basic, Pro"],
            "q_required": ["1", "0"],
        },
    )

    form = LeadForm.objects.get(slug="contact")
    assert form.source.slug == "website"
    assert form.fields == [
        {"name": "email", "label": "Work e-mail", "required": True},
        {
            "name": "which_plan",
            "label": "Which plan?",
            "required": False,
            "choices": ["Basic", "Pro"],
        },
    ]


def test_a_form_that_asks_for_no_address_is_refused(client, manager):
    page = client.post(
        reverse("leadform_add"),
        {
            "title": "Talk",
            "slug": "contact",
            "thanks": "x",
            "q_name": ["first_name"],
            "q_label": ["Name"],
            "q_choices": [""],
            "q_required": ["1"],
        },
    )

    assert page.status_code == 422
    assert "nobody can answer" in page.content.decode()
    assert not Source.objects.exists()


def test_the_paste_snippet_is_one_line(client, manager):
    form = make.form()

    page = client.get(reverse("leadform", args=[form.pk]))

    assert page.context["address"].endswith("/f/contact/")
    assert page.context["embed"].startswith("<script src=")
    assert "\n" not in page.context["embed"]
    assert "&lt;script src=" in page.content.decode()
    assert page.context["embed"] not in page.content.decode()


def test_a_key_is_shown_once_and_kept_as_a_hash(client, manager):
    source = make.source("api")

    page = client.post(reverse("source_key", args=[source.pk]))

    key = page.context["key"]
    source.refresh_from_db()
    assert key.startswith("lr_")
    assert len(key) == 43
    assert source.key_hash == keys.hash_key(key)
    assert key.startswith(source.key_prefix)
    assert key not in client.get(reverse("source", args=[source.pk])).content.decode()
    event = AuditEvent.objects.filter(subject="routing.source", kind="key_issued").get()
    assert event.actor == manager
    assert key not in str(event.data)


def test_a_new_key_ends_the_one_before(client, manager):
    source = make.source("api")
    first = client.post(reverse("source_key", args=[source.pk])).context["key"]

    second = client.post(reverse("source_key", args=[source.pk])).context["key"]

    source.refresh_from_db()
    assert source.key_hash == keys.hash_key(second) != keys.hash_key(first)


def test_one_click_publishes_the_small_team_template(client, manager):
    organisation = make.organisation()
    pool = make.pool(make.rep())
    queue = make.queue(pool)

    client.post(
        reverse("setup_rules"),
        {"template": "small_team", "pool": pool.pk, "fallback": queue.pk},
    )

    organisation.refresh_from_db()
    names = list(organisation.live_ruleset.rules.values_list("name", flat=True))
    assert names == ["Named account", "Everybody in turn", "Fallback"]
    assert organisation.live_ruleset.published_by == manager


def test_routing_is_paused_and_resumed_by_the_guide(client, manager):
    make.organisation()

    client.post(reverse("setup_pause"), {"do": "pause"})
    paused = Organisation.get().routing_paused_by
    client.post(reverse("setup_pause"), {"do": "resume"})

    assert paused == manager
    assert Organisation.get().routing_paused_at is None
