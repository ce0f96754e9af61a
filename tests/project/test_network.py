"""No network inside a transaction (fault 33): in tests it raises, wherever it happens."""

import socket

import pytest
from django.db import transaction

from tests.conftest import NetworkInTransaction


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.mark.django_db
def test_a_connection_inside_of_a_transaction_is_refused(listener):
    with transaction.atomic(), socket.socket() as one, pytest.raises(NetworkInTransaction):
        one.connect(listener)


@pytest.mark.django_db
def test_the_transaction_around_a_test_does_not_count(listener):
    socket.create_connection(listener).close()


@pytest.mark.django_db(transaction=True)
def test_after_the_commit_it_is_allowed(listener):
    done = []

    with transaction.atomic():
        transaction.on_commit(lambda: done.append(socket.create_connection(listener).close()))

    assert done == [None]
