"""The demo's accounts, and when they are shut. Their passwords are known to everybody."""

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password

from dashboard.models import Role, User


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    password: str
    role: Role


ACCOUNTS = (
    Account("viewer", "viewer-demo", Role.VIEWER),
    Account("operator", "operator-demo", Role.OPERATOR),
    Account("admin", "admin-demo", Role.ADMIN),
)


PASSWORDS = {account.username: account.password for account in ACCOUNTS}


def accounts_open() -> None:
    """Make the demo accounts that are missing, and let in those that were made inactive."""
    for account in ACCOUNTS:
        user = User.objects.filter(username=account.username).first()
        if user is None:
            User.objects.create_user(account.username, password=account.password, role=account.role)
        elif not user.is_active and user.check_password(account.password):
            User.objects.filter(pk=user.pk).update(is_active=True)


def is_shut(user: AbstractBaseUser) -> bool:
    """True outside the demo for an account whose password everybody knows."""
    name = user.get_username()
    return not settings.DEMO and name in PASSWORDS and _is_known(name, user.password)


def accounts_shut() -> list[str]:
    """The names of the accounts that cannot log in, because their password is known."""
    return [user.username for user in User.objects.filter(username__in=PASSWORDS) if is_shut(user)]


@lru_cache(maxsize=len(ACCOUNTS))
def _is_known(name: str, encoded: str) -> bool:
    """Keep the answer: checking a password is expensive, and each request of a session asks."""
    return check_password(PASSWORDS[name], encoded)
