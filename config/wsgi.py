"""The web application, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from config.celery import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
warm_up()


def hold_if_restored() -> None:
    """In restore mode hold effects back before a page can show otherwise, and before forking."""
    from django.db import connection

    from reps.due import holds

    holds.hold_if_restored()
    # A connection must not be shared with the workers.
    connection.close()


hold_if_restored()
