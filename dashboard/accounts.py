"""Who may log in, and whose session goes on: asked by Django at each log-in and each request."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from dashboard import demo


class AccountBackend(ModelBackend):
    """An active account, unless its password is the one that everybody knows from the demo."""

    def user_can_authenticate(self, user: Any) -> bool:
        return super().user_can_authenticate(user) and not demo.is_shut(user)
