"""The web application, for gunicorn."""

import logging
import os

from django.core.wsgi import get_wsgi_application

from config.celery import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
warm_up()


def hold_if_restored() -> None:
    """In restore mode hold effects back before a page can show otherwise, and before forking."""
    from django.db import Error, connection

    from reps.due import holds

    try:
        holds.hold_if_restored()
    except Error as error:
        # Whoever lets effects out looks again; doors only need the database when they are asked.
        logging.getLogger(__name__).warning("The web starts without the database (%s).", error)
    finally:
        # A connection must not be shared with the workers.
        connection.close()


hold_if_restored()
