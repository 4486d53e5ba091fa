"""The browser's side, and the Django project. Imports rttm; rttm never imports it."""

from dashboard.celery import app as celery_app

__all__ = ["celery_app"]
