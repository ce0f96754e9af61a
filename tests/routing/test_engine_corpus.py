"""The golden corpus guards every change of the engine."""

import copy

from routing.engine import ENGINE_VERSION, rotation, strategies
from tests.routing import corpus


def test_the_engine_decides_as_it_did_when_its_version_was_made():
    assert list(corpus.differences(corpus.stored(), corpus.made())) == []


def test_the_corpus_is_of_this_version():
    then = corpus.stored()

    assert then["engine"] == ENGINE_VERSION
    assert sum(len(world["decisions"]) for world in then["worlds"]) == 4000


def test_another_way_to_choose_is_noticed_lead_by_lead(monkeypatch):
    honest = rotation.standings
    monkeypatch.setattr(
        strategies.rotation,
        "standings",
        lambda *args, **more: [(idle, -off, *rest) for idle, off, *rest in honest(*args, **more)],
    )

    found = list(corpus.differences(corpus.stored(), corpus.made()))

    assert len(found) > 100
    assert all(", lead " in line for line in found)


def test_an_altered_world_is_named_as_such():
    then = corpus.stored()
    altered = copy.deepcopy(then)
    altered["worlds"][0]["input"] = "0" * corpus.KEPT

    [found] = corpus.differences(altered, then)

    assert "made otherwise" in found
