"""What every test may use."""

import os
import socket

import pytest
from django.conf import settings
from django.db import connection
from django.db.backends.signals import connection_created

from reps.due import doorbell, guard, holds
from reps.trail.triggers import MAINTENANCE
from routing.dispatch import snapshot

# Playwright's synchronous API runs an event loop in the test's own thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# WhiteNoise warns of a missing folder, and warnings are errors here.
settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Every test client has a WhiteNoise of its own, which need not read the whole folder first.
settings.WHITENOISE_AUTOREFRESH = True


def _may_empty_tables(connection, **kwargs) -> None:
    """
    Let this process empty the trail as a whole, as Django does after a test with real
    transactions. Here and nowhere else; a row of it can still be neither changed nor deleted.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET {MAINTENANCE} = 'on'")


connection_created.connect(_may_empty_tables)

# Another database would show nothing new about the pure parts, about the number of statements,
PURE = (
    "test_engine_",
    "test_enrich_pure",
    "test_lint_exact",
    "test_lint_logic",
    "test_lint_mutants",
    "test_hours_",
    "test_working_time_cases",
    "test_names",
    "test_domains",
    "test_geography",
    "test_matching",
    "test_match_accounts",
    "test_alike",
    "test_decode",
    "test_normalise",
    "test_scoring_laws",
    "test_learnt_laws",
    "test_chain",
    "test_clockwork",
    "test_owner_order",
    "test_tables",
)
# about who is let in and what is set up, about drafts of rules, words, wires and what goes over
# them, the demo (which is SQLite's), the replay of real data, what starts processes that have
# databases of their own, and what pages do with what they are given (test_pages opens each of
# them on both).
ONCE = (
    "test_admin",
    "test_api_contract",
    "test_api_leads",
    "test_api_setup",
    "test_bench",
    "test_canary",
    "test_channel",
    "test_condition",
    "test_demo",
    "test_enrich_call",
    "test_events",
    "test_facts",
    "test_feed_addresses",
    "test_feed_fetch",
    "test_hook",
    "test_import_mapping",
    "test_launch",
    "test_net_post",
    "test_patch_floor",
    "test_path_rows",
    "test_real_data",
    "test_rule_words",
    "test_rules_",
    "test_simulation",
    "test_starters",
    "test_statements",
    "test_states",
    "test_throwaway_pg",
    "test_tracked_models",
    "test_traffic",
    "test_urls",
    "test_views_",
    "test_why_",
)


# What was built on the services of clean data: its races run on the server, in files of their
# own, and everything else is the same there. Every address is opened on the server instead.
ONCE += (
    "test_enrich",
    "test_named",
    "test_offboarding.py",
    "test_owner_order",
    "test_plans",
    "test_privacy_retention",
    "test_realign",
    "test_scoring",
    "test_territory_plan",
)
# What is about rows, and heavy: on the server in every run, on SQLite at night.
ON_SERVER = (
    "test_anchors",
    "test_attainment",
    "test_auditor",
    "test_batch",
    "test_cover",
    "test_digest",
    "test_disputes",
    "test_doors",
    "test_drivers",
    "test_duplicates",
    "test_escalate_laws",
    "test_fairness_",
    "test_feed_busy",
    "test_feed_drain",
    "test_history",
    "test_invariants",
    "test_match_reviews",
    "test_merging",
    "test_onetap",
    "test_pages",
    "test_pause_laws",
    "test_pauses",
    "test_privacy_erase",
    "test_recompute",
    "test_replay",
    "test_requests",
    "test_steps",
    "test_weights",
)


def pytest_collection_modifyitems(items):
    for item in items:
        is_pure = item.path.name.startswith(PURE) and "django_db" not in item.keywords
        counts = "_statements" in item.name or "_queries_of_" in item.name
        if is_pure or counts or item.path.name.startswith(ONCE):
            item.add_marker(pytest.mark.once)
        elif item.path.name.startswith(ON_SERVER):
            item.add_marker(pytest.mark.server)


@pytest.fixture(autouse=True)
def fresh_process_state():
    """No roster of another test's database, and a doorbell that rings nowhere."""
    snapshot.forget()
    doorbell.connect(None)
    doorbell.breaker.reset()
    guard.forget()
    holds.forget()


class NetworkInTransaction(AssertionError):
    """While the other end takes its time, the rows of this transaction are locked."""


@pytest.fixture(autouse=True, scope="session")
def no_network_in_a_transaction():
    """Nothing connects to anything inside of `atomic`; a test's own transaction does not count."""
    real = socket.socket.connect

    def connect(self, address):
        if any(not block._from_testcase for block in connection.atomic_blocks):
            raise NetworkInTransaction(f"A connection to {address!r} inside of a transaction")
        return real(self, address)

    socket.socket.connect = connect
    yield
    socket.socket.connect = real


def pytest_terminal_summary(terminalreporter):
    """Say what the large generated runs were made of: a count that nobody reads proves little."""
    for report in terminalreporter.getreports("passed"):
        lines = [text for name, text in report.user_properties if name == "report"]
        if lines:
            terminalreporter.section(report.nodeid.rpartition("::")[2])
            terminalreporter.write_line("\n".join(lines))
