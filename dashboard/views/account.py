"""Logging in and out, and a user's own preferences and password."""

from copy import copy
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_safe

from dashboard import demo, log_ins
from dashboard.access import LoggedInRequest, require_safe_or_POST, wants_fragment
from dashboard.forms.account import PreferencesForm
from dashboard.models import User
from rttm import live

# The cookie of a browser in which somebody has logged in. It holds the account's key and a mark.
BROWSER = "browser"
BROWSER_AGE = 90 * 24 * 3600  # seconds
WRONG = "The user name or the password is wrong. Both tell capital letters from small ones."


class LogIn(LoginView):
    """The demo, and nothing else, offers its accounts here."""

    template_name = "login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the password, unless the limits of logging in are against it."""
        self.attempt = _attempt(request)
        try:
            with log_ins.turn(self.attempt):
                return super().post(request, *args, **kwargs)
        except log_ins.Wait as wait:
            # A form that is not bound: nothing may check the password any more.
            form = AuthenticationForm(request, initial={"username": self.attempt.name})
            context = self.get_context_data(form=form, problem=str(wait))
            headers = {"Retry-After": str(wait.seconds)}
            return self.render_to_response(context, status=429, headers=headers)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        accounts = demo.ACCOUNTS if settings.DEMO else ()
        return super().get_context_data(**kwargs) | {"accounts": accounts}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        self.attempt.forget_failures()
        response = super().form_valid(form)
        mark = self.attempt.browser or get_random_string(22)
        response.set_signed_cookie(
            BROWSER,
            f"{self.attempt.account}:{mark}",
            max_age=BROWSER_AGE,
            path=reverse("login"),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    def form_invalid(self, form: forms.BaseForm) -> HttpResponse:
        if form.non_field_errors():  # the password was checked
            self.attempt.count_failure()
        return self.render_to_response(self.get_context_data(form=form, problem=WRONG), status=422)


def _attempt(request: HttpRequest) -> log_ins.Attempt:
    """The attempt that a request makes, with the browser's mark if the account was used in it."""
    name = request.POST.get("username", "")
    cookie = request.get_signed_cookie(BROWSER, default="", max_age=BROWSER_AGE) or ""
    account, _, mark = cookie.partition(":")
    is_known = account == log_ins.account_key(name)
    return log_ins.Attempt(name, request.META.get("REMOTE_ADDR", ""), mark if is_known else "")


@require_safe
def admin_log_in(request: HttpRequest) -> HttpResponse:
    """Send whom the admin site does not let in to the log-in page, which has the limits."""
    if request.user.is_authenticated:
        raise PermissionDenied("Only admins manage users.")
    return redirect_to_login(request.GET.get("next", ""))


class Session(LogIn):
    """Within a page whose session has ended: the log-in form, then whose session it is now."""

    template_name = "components/session.html#login"
    redirect_authenticated_user = False

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return render(request, "components/session.html#now")
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        if not wants_fragment(self.request):
            return answer
        here = render(self.request, "components/session.html#now")
        here.cookies = answer.cookies
        return here


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
