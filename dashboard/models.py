"""The user, with a role and preferences; nothing of RTTM."""

from collections.abc import Iterable
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.db import models


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer: reads everything"
    OPERATOR = "operator", "Operator: edits and acts"
    ADMIN = "admin", "Admin: also manages users"


class Theme(models.TextChoices):
    AUTO = "auto", "As the system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"There is no time zone named {name}.", code="unknown_time_zone")


class AccountManager(UserManager["User"]):
    """`createsuperuser` makes an admin."""

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra: Any
    ) -> "User":
        return super().create_superuser(username, email, password, **{"role": Role.ADMIN, **extra})


class User(AbstractUser):
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    theme = models.CharField(max_length=5, choices=Theme, default=Theme.AUTO)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])

    objects: ClassVar[AccountManager] = AccountManager()

    @property
    def is_operator(self) -> bool:
        """May edit and act."""
        return self.role in {Role.OPERATOR, Role.ADMIN}

    @property
    def is_admin_role(self) -> bool:
        return self.role == Role.ADMIN

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """The role decides alone: Django's own two flags only repeat it."""
        self.is_staff = self.is_superuser = self.is_admin_role
        if update_fields is not None and "role" in update_fields:
            update_fields = {*update_fields, "is_staff", "is_superuser"}
        super().save(*args, update_fields=update_fields, **kwargs)
