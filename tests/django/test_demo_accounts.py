"""Passwords that everybody knows open the demo, and nothing else."""

import pytest
from django.test import Client
from django.urls import reverse

from dashboard import demo
from dashboard.models import User

pytestmark = pytest.mark.django_db
NAMES = [account.username for account in demo.ACCOUNTS]


@pytest.fixture(autouse=True)
def in_the_demo(settings):
    settings.DEMO = True


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


def test_outside_the_demo_they_are_shut_and_in_it_open_again(client, settings):
    demo.accounts_open()
    settings.DEMO = False
    assert sorted(demo.accounts_shut()) == sorted(NAMES)
    assert not any(can_log_in(client, account) for account in demo.ACCOUNTS)
    settings.DEMO = True
    assert demo.accounts_shut() == []
    assert all(can_log_in(client, account) for account in demo.ACCOUNTS)


def test_session_of_the_demo_ends_with_the_demo(client, settings):
    """Also where the web process is started alone: no other has to have run before."""
    demo.accounts_open()
    sessions = [Client() for _ in demo.ACCOUNTS]
    for session, account in zip(sessions, demo.ACCOUNTS, strict=True):
        assert can_log_in(session, account)
        assert session.get(reverse("board")).status_code == 200
    settings.DEMO = False
    for session in sessions:
        assert session.get(reverse("board"))["Location"].startswith(reverse("login"))


def test_account_whose_password_was_changed_is_one_like_any_other(client, settings):
    demo.accounts_open()
    settings.DEMO = False
    admin = User.objects.get(username="admin")
    admin.set_password("correct horse")
    admin.save()
    assert "admin" not in demo.accounts_shut()
    assert client.login(username="admin", password="correct horse")
    assert client.get(reverse("board")).status_code == 200


def test_inactive_account_with_a_password_of_its_own_is_left_alone(client):
    demo.accounts_open()
    admin = User.objects.get(username="admin")
    admin.set_password("correct horse")
    admin.is_active = False
    admin.save()
    demo.accounts_open()
    assert not client.login(username="admin", password="correct horse")


def test_demo_account_that_was_made_inactive_is_open_in_the_next_demo(client):
    demo.accounts_open()
    User.objects.update(is_active=False)
    demo.accounts_open()
    assert all(can_log_in(client, account) for account in demo.ACCOUNTS)
