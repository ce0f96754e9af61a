"""The web application, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from config.celery import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
warm_up()
