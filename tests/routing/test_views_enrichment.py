"""The pages of enrichment: the report, who is asked, how long leads wait, what is right."""

import pytest
from django.test import Client

from routing.enrich import known
from routing.models import EnrichmentProvider, Organisation
from tests import make
from tests.reps.receiver import receiving, says

pytestmark = pytest.mark.django_db
AT = make.MONDAY_9AM
TYPED = {
    "name": "Acme data",
    "is_active": "on",
    "position": "1",
    "method": "GET",
    "url": "https://data.example.com/v1?d={domain}",
    "headers_text": "Authorization: Bearer ${ACME}",
    "mapping_text": "employees = company.size",
    "confidence": "80",
    "timeout": "2500",
    "retries": "2",
    "ttl_days": "90",
}


@pytest.fixture
def admin(client: Client, settings):
    settings.ENRICHMENT_SECRETS = {"ACME": "s3cret"}
    make.organisation()
    client.force_login(make.user(group="admin"))
    return client


def test_an_admin_adds_a_provider(admin):
    answer = admin.post("/enrichment/providers/new/", TYPED)

    row = EnrichmentProvider.objects.get()
    assert answer.headers["Location"] == f"/enrichment/providers/{row.pk}/"
    assert (row.slug, row.mapping) == ("acme-data", {"employees": "company.size"})
    assert row.headers == {"Authorization": "Bearer ${ACME}"}
    page = admin.get(answer.headers["Location"]).content.decode()
    assert "employees = company.size" in page
    assert "s3cret" not in page
    assert "Acme data" in admin.get("/enrichment/").content.decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "http://data.example.com/"}, "must start with https"),
        ({"url": "https://10.0.0.1/"}, "private network"),
        ({"url": "https://{domain}/"}, "may not stand in the server"),
        ({"url": "https://x.example.com/{e}"}, "There is no {e}"),
        ({"url": "https://x.example.com/{email}"}, "tick it here"),
        ({"headers_text": "X-Key ${ACME}"}, "Line 1"),
        ({"headers_text": "Host: other"}, "cannot be set"),
        ({"headers_text": "X-Key: ${SECRET_KEY}"}, "has no variable ENRICHMENT_SECRET_SECRET_KEY"),
        ({"mapping_text": "size = a"}, "there is no field"),
        ({"mapping_text": "seniority = level"}, "cannot tell"),
        ({"slug": "title"}, "a provider of our own"),
        ({"timeout": "60000"}, "less than or equal to 10000"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(admin, changed, words):
    answer = admin.post("/enrichment/providers/new/", {**TYPED, **changed})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page.replace("&#x27;", "'")
    assert next(iter(changed.values())).replace("<", "&lt;") in page
    assert not EnrichmentProvider.objects.exists()


def test_a_try_shows_what_the_answer_becomes(admin, settings):
    with receiving(says(200, b'{"size": "51-200", "stage": {"x": 1}}')) as at:
        settings.ENRICHMENT_HOSTS_INSIDE = [at.netloc]
        row = make.provider("Acme", url=at.url + "/?d={domain}")
        page = admin.post(
            f"/enrichment/providers/{row.pk}/try/", {"email": "ada@big-company.com"}
        ).content.decode()

    assert [request.path for request in at.got] == ["/?d=big-company.com"]
    assert "It answered" in page
    assert "126" in page
    assert "funding_stage: what stands at stage is no text" in page


@pytest.mark.parametrize(("group", "status"), [("manager", 200), ("revops", 200), ("rep", 403)])
def test_who_reads_the_report_and_who_sets_up_providers(client, group, status):
    make.organisation()
    row = make.provider()
    client.force_login(make.user(group=group))

    assert client.get("/enrichment/").status_code == status
    assert client.get("/api/v1/enrichment/").status_code == status
    for path in ("new/", f"{row.pk}/"):
        assert client.get(f"/enrichment/providers/{path}").status_code == 403
    for path in ("try", "act"):
        assert client.post(f"/enrichment/providers/{row.pk}/{path}/").status_code == 403


def test_revops_says_how_long_leads_wait(client):
    make.organisation()
    client.force_login(make.user(group="revops"))

    client.post("/enrichment/waiting/", {"deadline_ms": "1500", "hot_ms": "0", "reroutes": "on"})
    too_long = client.post("/enrichment/waiting/", {"deadline_ms": "90000", "hot_ms": "0"})

    row = Organisation.objects.get()
    assert (row.enrich_deadline, row.enrich_deadline_hot, row.enrich_reroutes) == (1500, 0, True)
    assert row.history.first().enrich_deadline == 1500
    assert too_long.status_code == 422


def test_a_rep_sees_where_values_come_from_and_corrects_one(client):
    ann = make.rep("ann")
    lead = make.owned(ann, {"title": "Head of Sales"})
    client.force_login(ann.user)

    before = client.get(f"/leads/{lead.pk}/").content.decode()
    refused = client.post(
        f"/enrichment/leads/{lead.pk}/seniority/", {"act": "correct", "value": "boss"}, follow=True
    ).content.decode()
    client.post(f"/enrichment/leads/{lead.pk}/seniority/", {"act": "correct", "value": "vp"})
    client.post(
        f"/enrichment/leads/{lead.pk}/employees/",
        {"which": "funding_stage", "act": "correct", "value": "Seed"},
    )

    assert "Job title" in before
    assert "80 % sure" in before
    assert "“boss” was not taken. Write one of these" in refused
    found = known.of_leads([lead.pk], at=AT)[lead.pk]
    assert (found["seniority"].value, found["seniority"].provider) == ("vp", "person")
    assert found["funding_stage"].value == "Seed"
    assert "said by a person" in client.get(f"/leads/{lead.pk}/").content.decode()


def test_whoever_cannot_see_the_lead_corrects_nothing(client):
    ann, ben = make.rep("ann"), make.rep("ben")
    lead = make.owned(ann, {"title": "Head of Sales"})
    client.force_login(ben.user)

    answer = client.post(f"/enrichment/leads/{lead.pk}/seniority/", {"act": "confirm"})

    assert answer.status_code == 404


def test_the_api_says_where_each_value_comes_from_and_takes_corrections(client):
    ann = make.rep("ann")
    lead = make.owned(ann, {"title": "Head of Sales"})
    client.force_login(ann.user)

    (row,) = (
        one
        for one in client.get(f"/api/v1/leads/{lead.pk}/").json()["enrichment"]
        if one["field"] == "seniority"
    )
    answer = client.post(
        f"/api/v1/leads/{lead.pk}/check-value/",
        {"field": "seniority", "value": "nonsense"},
        content_type="application/json",
    )
    done = client.post(
        f"/api/v1/leads/{lead.pk}/check-value/", {"field": "seniority"}, "application/json"
    )

    assert (row["value"], row["provider"], row["confidence"]) == ("director", "title", 80)
    assert answer.status_code == 409
    assert done.status_code == 200
    assert any(one["is_checked"] for one in done.json()["enrichment"])
