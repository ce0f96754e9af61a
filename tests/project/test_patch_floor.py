"""What is locked is not older than the fixes that are known (rule R26, fault 112)."""

import json
import re
from datetime import date
from pathlib import Path

import django
import pytest
from django.conf import settings

ADVISORIES = json.loads((Path(__file__).parent / "advisories.json").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"^([a-z0-9._-]+)==([0-9][0-9a-z.]*)", re.MULTILINE)


def parts(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def locked(name: str) -> dict[str, str]:
    text = (Path(settings.BASE_DIR) / name).read_text(encoding="utf-8")
    return dict(PIN.findall(text))


@pytest.mark.parametrize("lock", LOCKS)
def test_no_package_is_behind_the_newest_patch_that_was_known(lock):
    pinned = locked(lock)

    behind = {
        name: (pinned[name], newest)
        for name, newest in ADVISORIES["newest"].items()
        if name in pinned and parts(pinned[name]) < parts(newest)
    }

    assert not behind


@pytest.mark.parametrize("lock", LOCKS)
def test_no_known_hole_is_open(lock):
    pinned = locked(lock)

    assert not [
        one["advisory"]
        for one in ADVISORIES["fixed_in"]
        if one["package"] in pinned and parts(pinned[one["package"]]) < parts(one["version"])
    ]


def test_what_runs_is_what_is_locked():
    assert django.get_version() == locked("requirements.lock")["django"]


def test_the_snapshot_has_a_date_and_names_what_it_knows():
    assert date.fromisoformat(ADVISORIES["taken_on"])
    assert "django" in ADVISORIES["newest"]
    for one in ADVISORIES["fixed_in"]:
        assert parts(one["version"]) <= parts(ADVISORIES["newest"][one["package"]])
