"""Roles decide what an account may do, whoever makes it."""

import pytest
from django.core.exceptions import ValidationError

from dashboard.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "is_operator", "is_admin"),
    [(Role.VIEWER, False, False), (Role.OPERATOR, True, False), (Role.ADMIN, True, True)],
)
def test_role_decides_rights_and_the_door_to_the_admin(role, is_operator, is_admin):
    user = User.objects.create_user("ana", password="x", role=role)
    user.refresh_from_db()
    assert (user.is_operator, user.is_admin_role) == (is_operator, is_admin)
    assert (user.is_staff, user.is_superuser) == (is_admin, is_admin)


def test_superuser_from_the_command_line_is_an_admin():
    assert User.objects.create_superuser("root", "root@example.com", "x").role == Role.ADMIN


def test_demoted_admin_loses_the_flags_even_when_only_the_role_is_saved():
    user = User.objects.create_superuser("root", "root@example.com", "x")
    user.role = Role.VIEWER
    user.save(update_fields=["role"])
    user.refresh_from_db()
    assert not user.is_staff
    assert not user.is_superuser


def test_unknown_time_zone_is_refused():
    with pytest.raises(ValidationError, match="Mars/Olympus"):
        User(username="ana", password="x", time_zone="Mars/Olympus").full_clean()


def test_admin_site_lists_and_draws_users_for_an_admin_only(client):
    user = User.objects.create_user("ana", password="x", role=Role.OPERATOR)
    client.force_login(user)
    assert client.get("/admin/dashboard/user/").status_code == 302
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    assert client.get("/admin/dashboard/user/").status_code == 200
    assert client.get("/admin/dashboard/user/add/").status_code == 200
    assert client.get(f"/admin/dashboard/user/{user.pk}/change/").status_code == 200
