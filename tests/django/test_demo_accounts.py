"""Passwords that everybody knows open the demo, and nothing else."""

import pytest

from dashboard import demo
from dashboard.models import User

pytestmark = pytest.mark.django_db
NAMES = [account.username for account in demo.ACCOUNTS]


def can_log_in(client, account: demo.Account) -> bool:
    client.logout()
    return client.login(username=account.username, password=account.password)


def test_demo_has_an_account_for_each_role_and_each_can_log_in(client):
    demo.accounts_open()
    demo.accounts_open()
    assert {user.username: user.role for user in User.objects.all()} == {
        account.username: account.role for account in demo.ACCOUNTS
    }
    assert all(can_log_in(client, account) for account in demo.ACCOUNTS)


def test_outside_the_demo_they_are_shut_and_in_it_open_again(client):
    demo.accounts_open()
    assert sorted(demo.accounts_shut()) == sorted(NAMES)
    assert not any(can_log_in(client, account) for account in demo.ACCOUNTS)
    assert demo.accounts_shut() == []
    demo.accounts_open()
    assert all(can_log_in(client, account) for account in demo.ACCOUNTS)


def test_account_with_a_password_of_its_own_is_left_alone(client):
    demo.accounts_open()
    admin = User.objects.get(username="admin")
    admin.set_password("correct horse")
    admin.save()
    assert "admin" not in demo.accounts_shut()
    demo.accounts_open()
    assert client.login(username="admin", password="correct horse")
    User.objects.filter(pk=admin.pk).update(is_active=False)
    demo.accounts_open()
    assert not client.login(username="admin", password="correct horse")
