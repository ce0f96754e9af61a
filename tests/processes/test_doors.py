"""A sender who does not hear back sends again: one key is one submission."""

from collections import Counter, defaultdict

import pytest

from routing.models import Submission
from tests import make
from tests.processes import scene

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

PROCESSES = 4
KEYS = 500


def body(name: object) -> str:
    return f'{{"email": "{name}@company.com"}}'


def test_a_key_is_one_submission_however_often_and_fast_it_is_sent(crew, figures):
    source = make.source("api")
    calls = [[f"key-{n}", body(n)] for n in range(KEYS)]

    reports = crew.play(
        *[
            ("knock", {"source": source.slug, "calls": calls, "place": place})
            for place in range(PROCESSES)
        ]
    )

    said: dict[str, Counter] = defaultdict(Counter)
    receipts: dict[str, set[int]] = defaultdict(set)
    for report in reports:
        for key, word, submission in report["answers"]:
            said[key][word] += 1
            receipts[key].add(submission)
    figures(
        calls=PROCESSES * KEYS,
        new_by_each=[sum(a[1] == "new" for a in report["answers"]) for report in reports],
    )
    assert scene.errors(reports) == []
    assert len(said) == KEYS
    assert all(words == {"new": 1, "replayed": PROCESSES - 1} for words in said.values())
    assert all(len(ids) == 1 for ids in receipts.values())
    assert Submission.objects.count() == KEYS


def test_a_key_with_another_body_is_refused_even_at_the_same_instant(crew, figures):
    source = make.source("api")
    number = 100

    reports = crew.play(
        *[
            (
                "knock",
                {
                    "source": source.slug,
                    "calls": [
                        [f"key-{n}", body(f"{'left' if one % 2 else 'right'}{n}")]
                        for n in range(number)
                    ],
                },
            )
            for one in range(PROCESSES)
        ]
    )

    said: dict[str, Counter] = defaultdict(Counter)
    for report in reports:
        for key, word, _ in report["answers"]:
            said[key][word] += 1
    figures(calls=PROCESSES * number)
    assert scene.errors(reports) == []
    assert all(words == {"new": 1, "replayed": 1, "reused": 2} for words in said.values())
    assert Submission.objects.count() == number
    sent = {
        f'{{"email": "{side}{n}@company.com"}}'.encode()
        for side in ("left", "right")
        for n in range(number)
    }
    assert {bytes(raw) for raw in Submission.objects.values_list("raw", flat=True)} <= sent


def test_a_source_does_not_answer_for_the_key_of_another(crew):
    left, right = make.source("left"), make.source("right")
    calls = [[f"key-{n}", body(n)] for n in range(50)]

    reports = crew.play(
        *[("knock", {"source": source.slug, "calls": calls}) for source in (left, right)]
    )

    assert scene.errors(reports) == []
    assert {word for report in reports for _, word, _ in report["answers"]} == {"new"}
    assert Submission.objects.count() == 100
