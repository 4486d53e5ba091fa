"""The demo's accounts, for `up` and for the log-in page. Their passwords are known to everybody."""

from dataclasses import dataclass

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


def accounts_open() -> None:
    """Make the demo accounts that are missing, and let in those that a start without DEMO shut."""
    for account in ACCOUNTS:
        user = User.objects.filter(username=account.username).first()
        if user is None:
            User.objects.create_user(account.username, password=account.password, role=account.role)
        elif not user.is_active and user.check_password(account.password):
            User.objects.filter(pk=user.pk).update(is_active=True)


def accounts_shut() -> list[str]:
    """Outside the demo nobody logs in with a password that everybody knows; return whom it hit."""
    passwords = {account.username: account.password for account in ACCOUNTS}
    users = User.objects.filter(username__in=passwords, is_active=True)
    known = [user for user in users if user.check_password(passwords[user.username])]
    User.objects.filter(pk__in=[user.pk for user in known]).update(is_active=False)
    return [user.username for user in known]
