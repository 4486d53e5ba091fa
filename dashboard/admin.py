"""Users and their roles, for admins, at /admin/."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from dashboard import log_ins
from dashboard.accounts import admins_left
from dashboard.models import Role, User
from rttm.core import rules

# Rights follow from the role; groups would be a second, silent way to give them.
admin.site.unregister(Group)


LAST_ADMIN = "This is the last admin who can log in. Make somebody else an admin first."


class AccountForm(UserChangeForm):
    """Leaves an admin: nobody could give the right back."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        user = self.instance
        if not (user.is_admin_role and user.is_active):
            return cleaned
        stays = cleaned.get("role") == Role.ADMIN and cleaned.get("is_active")
        if not self.errors and not stays and not admins_left(without={user.pk}):
            self.add_error("is_active" if cleaned["role"] == Role.ADMIN else "role", LAST_ADMIN)
        return cleaned


@admin.register(User)
class AccountAdmin(UserAdmin):
    form = AccountForm
    list_display = ("username", "first_name", "last_name", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "is_active")}),
        ("Person", {"fields": ("first_name", "last_name", "email", "theme", "time_zone")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2", "role")}),
    )
    actions = ("lift_log_in_limits",)

    def get_search_results(
        self, request: HttpRequest, users: QuerySet[User], text: str
    ) -> tuple[QuerySet[User], bool]:
        """No name is longer; SQLite refuses to look for what is much longer."""
        return super().get_search_results(request, users, text[: rules.SEARCH_LENGTH])

    @transaction.atomic
    def response_action(self, *args: Any, **kwargs: Any) -> Any:
        """All of an action, from what it checks to what it does, is one transaction."""
        return super().response_action(*args, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What a deletion takes along; the last admins are protected from it."""
        *found, protected = super().get_deleted_objects(objs, request)
        going = {user.pk for user in objs}
        if not admins_left(without=going) and any(user.is_admin_role for user in objs):
            protected.append(LAST_ADMIN)
        return *found, protected

    @admin.action(description="Lift the log-in limits of selected users")
    def lift_log_in_limits(self, request: HttpRequest, users: QuerySet[User]) -> None:
        names = [user.get_username() for user in users]
        for name in names:
            log_ins.lift(name)
        self.message_user(request, f"The log-in limits of {', '.join(names)} are lifted.")
