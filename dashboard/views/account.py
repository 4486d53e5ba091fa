"""Logging in and out, and a user's own preferences and password."""

from copy import copy
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from dashboard import demo
from dashboard.access import LoggedInRequest, require_safe_or_POST
from dashboard.forms.account import PreferencesForm
from dashboard.models import User
from rttm import live


class LogIn(LoginView):
    """The demo, and nothing else, offers its accounts here."""

    template_name = "login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A component re-read after the session ended must not become a log-in form: reload."""
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        accounts = demo.ACCOUNTS if settings.DEMO else ()
        return super().get_context_data(**kwargs) | {"accounts": accounts}

    def form_invalid(self, form: forms.BaseForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class LogOut(LogoutView):
    """By POST only."""


@login_required
@require_safe_or_POST
def account(request: LoggedInRequest) -> HttpResponse:
    """Two forms: the password's is told by its field.

    What was typed goes into a copy of the user: a refused preference must not colour the page.
    """
    position = live.position()
    wants_password = "old_password" in request.POST
    posted = request.POST or None
    preferences = PreferencesForm(None if wants_password else posted, instance=copy(request.user))
    password = PasswordChangeForm(request.user, posted if wants_password else None)
    password.fields["old_password"].widget.attrs.pop("autofocus")  # the page has another form
    form = password if wants_password else preferences
    if posted and form.is_valid():
        return _save(request, form)
    context = {"preferences": preferences, "password": password, "live_position": position}
    return render(request, "account.html", context, status=422 if posted else 200)


def _save(request: LoggedInRequest, form: PreferencesForm | PasswordChangeForm) -> HttpResponse:
    """Only the form's own columns: an admin may change the role, or delete the user, meanwhile."""
    user = form.save(commit=False)
    is_password = isinstance(form, PasswordChangeForm)
    columns = ["password"] if is_password else PreferencesForm.Meta.fields
    User.objects.filter(pk=user.pk).update(**{name: getattr(user, name) for name in columns})
    if is_password:
        update_session_auth_hash(request, user)
        messages.success(request, "Your password is saved.")
    else:
        messages.success(request, "Your preferences are saved.")
    return redirect("account")
