"""Who may log in, whose session goes on, and who is left to manage the others."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db import transaction

from dashboard import demo
from dashboard.models import Role, User


class AccountBackend(ModelBackend):
    """An active account, unless its password is the one that everybody knows from the demo."""

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and not demo.is_shut(user)


@transaction.atomic
def admins_left(*, without: Collection[int]) -> bool:
    """Return whether an admin who can log in is left without these.

    The admins are locked until the caller's transaction ends. Two admins who take each other's
    right away at the same moment take turns, and the second is refused.
    """
    admins = User.objects.filter(role=Role.ADMIN, is_active=True).order_by("pk")
    locked = list(admins.select_for_update(no_key=True))
    return any(admin.pk not in without and not demo.is_shut(admin) for admin in locked)
