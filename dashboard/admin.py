"""Users and their roles, for admins, at /admin/."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from dashboard import log_ins
from dashboard.models import User
from rttm.core import rules

# Rights follow from the role; groups would be a second, silent way to give them.
admin.site.unregister(Group)


@admin.register(User)
class AccountAdmin(UserAdmin):
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

    @admin.action(description="Lift the log-in limits of selected users")
    def lift_log_in_limits(self, request: HttpRequest, users: QuerySet[User]) -> None:
        names = [user.get_username() for user in users]
        for name in names:
            log_ins.lift(name)
        self.message_user(request, f"The log-in limits of {', '.join(names)} are lifted.")
