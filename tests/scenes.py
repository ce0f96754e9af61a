"""Scenes that every test of a module finds as they were made, and that are made only once."""

import copy
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction


def scene(build: Callable[..., Any]) -> Any:
    """
    Make of a function a fixture whose rows are written once for all tests of its module.

    Each test gets a copy of what the function returned, in a savepoint that is rolled back. The
    function may ask for other scenes of its module, and for nothing else; a module with scenes
    has no test with real transactions.
    """
    module, name = build.__globals__, build.__name__
    asked = list(inspect.signature(build).parameters)

    def once(request, scene_transaction):
        return build(*(request.getfixturevalue(_once(other)) for other in asked))

    def copied(**given):
        return copy.deepcopy(given[_once(name)])

    module[_once(name)] = pytest.fixture(scope="module", name=_once(name))(once)
    # Asked for in the signature, so that pytest makes it before the test's own transaction begins.
    copied.__signature__ = inspect.Signature(
        [inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY) for one in (_once(name), "db")]
    )
    return pytest.fixture(name=name)(copied)


def _once(name: str) -> str:
    return f"{name}_made_once"


@pytest.fixture(scope="module")
def scene_transaction(django_db_setup, django_db_blocker):
    """A transaction around all tests of a module that have a scene."""
    with django_db_blocker.unblock():
        block = transaction.atomic()
        # Django asks this of the outermost block: durable ones may stand inside of a test's.
        block._from_testcase = True
        block.__enter__()
        try:
            yield
        finally:
            transaction.set_rollback(True)
            block.__exit__(None, None, None)
