"""The bundled RTTM service as a Django app."""

from django.apps import AppConfig


class EngineConfig(AppConfig):
    name = "rttm.engine"
    label = "engine"
    verbose_name = "RTTM engine"
