"""The domain as a Django app: the mirror of the backend, and our own rows about it."""

from django.apps import AppConfig


class RttmConfig(AppConfig):
    name = "rttm"
    verbose_name = "RTTM"
