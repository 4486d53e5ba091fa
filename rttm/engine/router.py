"""Keeps the engine's tables in the engine's database, and everything else out of it."""

from typing import Any

from django.db.models import Model

APP, ALIAS, DEFAULT = "engine", "engine", "default"


class EngineRouter:
    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        return ALIAS if model._meta.app_label == APP else DEFAULT

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        return self.db_for_read(model)

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool:
        return (one._meta.app_label == APP) == (other._meta.app_label == APP)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (db == ALIAS) == (app_label == APP)
