"""There is always an admin who can log in: nobody else could make another one."""

import pytest
from django.db import transaction
from django.urls import reverse

from dashboard import demo
from dashboard.accounts import admins_left
from dashboard.models import Role, User
from tests.at_once import at_once
from tests.pages import find, parse, words

LIST = reverse("admin:dashboard_user_changelist")
LAST = "This is the last admin who can log in. Make somebody else an admin first."


def change(client, user: User, **changes: object):
    """Save the form of a user as the page has it, but for these changes."""
    url = reverse("admin:dashboard_user_change", args=[user.pk])
    form = find(parse(client.get(url)), id="user_form")[0]
    typed = {**dict(form.form_values()), **changes}
    return client.post(url, {name: value for name, value in typed.items() if value is not None})


def delete_selected(client, *users: User):
    data = {"action": "delete_selected", "_selected_action": [user.pk for user in users]}
    return client.post(LIST, data | {"post": "yes"})


@pytest.fixture
def other(db) -> User:
    return User.objects.create_user("abe", password="secret", role=Role.ADMIN)


@pytest.mark.parametrize(
    ("changes", "field"), [({"role": "viewer"}, "role"), ({"is_active": None}, "is_active")]
)
def test_last_admin_keeps_the_right_and_the_form_says_why(client_as, admin, changes, field):
    response = change(client_as(admin), admin, **changes)
    assert response.status_code == 200
    assert LAST in words(find(parse(response), id=f"id_{field}_error")[0])
    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == (Role.ADMIN, True)


@pytest.mark.parametrize("changes", [{"role": "viewer"}, {"is_active": None}])
def test_one_admin_of_two_can_go(client_as, admin, other, changes):
    assert change(client_as(admin), other, **changes).status_code == 302
    assert change(client_as(admin), admin, **changes).status_code == 200
    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == (Role.ADMIN, True)


def test_last_admin_can_be_renamed(client_as, admin):
    assert change(client_as(admin), admin, first_name="Ada").status_code == 302


def test_last_admin_cannot_be_deleted(client_as, admin, operator):
    client, url = client_as(admin), reverse("admin:dashboard_user_delete", args=[admin.pk])
    assert LAST in words(parse(client.get(url)))
    assert LAST in words(parse(client.post(url, {"post": "yes"})))
    assert LAST in words(parse(delete_selected(client, admin, operator)))
    assert User.objects.count() == 2


def test_all_admins_at_once_cannot_be_deleted_but_all_but_one_can(client_as, admin, other, viewer):
    client = client_as(admin)
    assert LAST in words(parse(delete_selected(client, admin, other)))
    assert User.objects.count() == 3
    assert delete_selected(client, other, viewer).status_code == 302
    assert list(User.objects.all()) == [admin]


@pytest.mark.parametrize("is_active", [False, True])
def test_admin_who_cannot_log_in_does_not_count(client_as, admin, is_active):
    """Neither an inactive one, nor, outside the demo, the demo's."""
    account = next(each for each in demo.ACCOUNTS if each.role == Role.ADMIN)
    User.objects.create_user(
        account.username, password=account.password, role=Role.ADMIN, is_active=is_active
    )
    assert change(client_as(admin), admin, role="viewer").status_code == 200


@pytest.mark.django_db(transaction=True, databases=["default", "engine"])
def test_admins_who_demote_each_other_at_the_same_moment_leave_one():
    names = [f"admin-{number}" for number in range(4)]
    for name in names:
        User.objects.create_user(name, password="x", role=Role.ADMIN)

    @transaction.atomic
    def demote_the_others(worker: int) -> None:
        for user in User.objects.exclude(username=names[worker]):
            if admins_left(without={user.pk}):
                User.objects.filter(pk=user.pk).update(role=Role.VIEWER)

    at_once(demote_the_others)
    assert User.objects.filter(role=Role.ADMIN).count() == 1
