"""The organisation's back office: settings, ways in, and how it starts."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
