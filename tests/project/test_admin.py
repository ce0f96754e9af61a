"""Every admin page opens and searches, and none shows more than one may see."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from simple_history.models import registered_models

from reps import access
from tests import make

OURS = ("reps", "accounts", "routing", "sla")
ADMINS = sorted(
    (
        (model._meta.label_lower, model, model_admin)
        for model, model_admin in admin.site._registry.items()
        if model._meta.app_label in OURS
    ),
    key=lambda one: one[0],
)


@pytest.fixture
def data(db):
    make.organisation()
    rep = make.rep("ada")
    pool = make.pool(rep)
    make.policy()
    make.rules(make.round_robin(pool))
    make.rep_skill(rep, make.skill("french"))
    make.absence(rep, make.MONDAY_9AM + 600 * make.MINUTE, make.MONDAY_9AM + 700 * make.MINUTE)
    make.account_owner(make.account(), rep)
    make.territory_backup(make.territory(), rep)
    make.calendar()
    make.form()
    make.factor(5, {"all": []})
    return make.routed(make.lead())


def test_every_model_has_its_admin():
    models = {
        model
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        if not model.__name__.startswith("Historical")
    }

    assert models - set(admin.site._registry) == set()


def test_every_list_opens_and_searches(admin_client, data, subtests):
    for label, model, model_admin in ADMINS:
        with subtests.test(label):
            address = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"

            plain = admin_client.get(reverse(address))
            found = admin_client.get(reverse(address), {"q": "ada 1"})

            assert (plain.status_code, found.status_code) == (200, 200)
            assert model_admin.search_fields, "give it search_fields"


def test_every_add_page_opens_or_is_refused(admin_client, data, subtests):
    for label, model, model_admin in ADMINS:
        with subtests.test(label):
            answer = admin_client.get(
                reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
            )
            tracked = model in registered_models.values()

            assert answer.status_code == (
                200 if model_admin.has_add_permission(answer.wsgi_request) else 403
            )
            assert tracked or answer.status_code == 403 or model._meta.model_name == "user"


def test_every_row_and_its_history_open(admin_client, data, subtests):
    for label, model, _model_admin in ADMINS:
        with subtests.test(label):
            row = model._default_manager.first()
            if row is None:
                continue  # no row of this kind in this scene
            base = f"admin:{model._meta.app_label}_{model._meta.model_name}"

            assert admin_client.get(reverse(f"{base}_change", args=[row.pk])).status_code == 200
            assert admin_client.get(reverse(f"{base}_history", args=[row.pk])).status_code == 200


def test_autocompletes_and_joins_name_what_exists(subtests):
    for label, model, model_admin in ADMINS:
        with subtests.test(label):
            foreign = {
                field.name
                for field in model._meta.get_fields()
                if field.many_to_one and field.concrete and field.editable
            }
            writable = model_admin.__class__.__mro__[1].__name__ == "TrackedAdmin"
            readonly = set(model_admin.readonly_fields)

            if writable:
                assert foreign - readonly <= set(model_admin.autocomplete_fields)


def test_reps_do_not_get_in(client, data):
    client.force_login(data.owner.user)

    assert client.get("/admin/").status_code == 302


@pytest.fixture
def manager_elsewhere(client, data):
    user = make.user("elsewhere", group="manager", is_staff=True)
    make.team("Elsewhere", manager=user)
    client.force_login(user)
    return client


ABOUT_LEADS = [
    ("routing", name)
    for name in ("lead", "assignment", "decision", "touch", "prospect", "submission")
] + [("sla", "clock")]


def test_a_manager_finds_nothing_of_other_teams(manager_elsewhere, data, subtests):
    for app, name in ABOUT_LEADS:
        with subtests.test(name):
            finds_nothing(manager_elsewhere, app, name)


def finds_nothing(manager_elsewhere, app, name) -> None:
    model = apps.get_model(app, name)
    base = f"admin:{app}_{name}"
    rows = manager_elsewhere.get(reverse(f"{base}_changelist")).context_data["cl"].queryset
    row = model.objects.first()

    assert row is not None
    assert list(rows) == []
    # Django sends whoever asks for a row that is not there back to the start page.
    assert manager_elsewhere.get(reverse(f"{base}_change", args=[row.pk])).status_code == 302
    answer = manager_elsewhere.get(reverse(f"{base}_history", args=[row.pk]))
    assert answer.status_code in (302, 403, 404)


def test_the_history_of_a_foreign_lead_is_closed_too(manager_elsewhere, data):
    version = data.history.first().history_id
    url = reverse("admin:routing_lead_simple_history", args=[data.pk, version])

    assert manager_elsewhere.get(url).status_code == 404


def test_an_old_version_is_never_written_back(admin_client, data):
    version = data.owner.history.first().history_id
    url = reverse("admin:reps_rep_simple_history", args=[data.owner_id, version])

    assert admin_client.get(url).status_code == 200
    assert admin_client.post(url, {}).status_code == 403


def test_the_trail_says_nothing_of_foreign_leads(manager_elsewhere, data):
    rows = manager_elsewhere.get(reverse("admin:reps_auditevent_changelist"))

    subjects = set(rows.context_data["cl"].queryset.values_list("subject", flat=True))
    assert "routing.lead" not in subjects
    assert "reps.rep" in subjects


def test_whoever_sets_up_picks_users_by_name_but_does_not_open_them(manager_elsewhere):
    picked = manager_elsewhere.get(
        reverse("admin:autocomplete"),
        {"app_label": "reps", "model_name": "rep", "field_name": "user", "term": "ada"},
    )

    assert picked.json()["results"][0]["text"] == "ada"
    assert manager_elsewhere.get(reverse("admin:reps_user_changelist")).status_code == 403


def test_groups_may_open_what_they_set_up(manager_elsewhere):
    for app, names in access.SET_UP.items():
        for name in names:
            url = reverse(f"admin:{app}_{name}_changelist")
            assert manager_elsewhere.get(url).status_code == 200, url


def test_a_list_does_not_ask_more_for_more_rows(admin_client, data, django_assert_max_num_queries):
    url = reverse("admin:routing_lead_changelist")
    admin_client.get(url)
    with django_assert_max_num_queries(40) as few:
        admin_client.get(url)
    for lead in make.leads(5):
        make.routed(lead)
    with django_assert_max_num_queries(len(few)):
        admin_client.get(url)
