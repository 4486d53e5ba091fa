"""Who may do what, decided on the server: everyone logged in reads, operators edit and act."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from dashboard.models import User
from rttm.core import rules
from rttm.core.numbers import read_key
from rttm.edits import Origin

View = Callable[..., HttpResponse]

require_safe_or_POST = require_http_methods(["GET", "HEAD", "POST"])
"""As `require_safe` and `require_POST` of Django: for what shows a form, and takes it."""


class LoggedInRequest(HttpRequest):
    """A request past `login_required`: its user is one of ours."""

    user: User
    htmx: Any


def operator_required(view: View) -> View:
    """Only operators and admins; a viewer's attempt is a 403, the pages do not offer it."""

    @wraps(view)
    def checked(request: LoggedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_operator:
            raise PermissionDenied("Your role reads only; ask an admin for the operator role.")
        return view(request, *args, **kwargs)

    return login_required(checked)


def admin_required(view: View) -> View:
    """Only admins."""

    @wraps(view)
    def checked(request: LoggedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_admin_role:
            raise PermissionDenied("Only an admin may do this; ask one.")
        return view(request, *args, **kwargs)

    return login_required(checked)


def origin(request: LoggedInRequest) -> Origin:
    """Who asks, and from where. Behind a proxy REMOTE_ADDR is the server's matter to set."""
    return Origin(user=request.user, remote_address=request.META.get("REMOTE_ADDR") or None)


class KeyConverter:
    """The key of a row in a path. Larger numbers are the path of nothing."""

    regex = "[0-9]+"

    def to_python(self, text: str) -> int:
        key = read_key(text)
        if key is None:
            raise ValueError
        return key

    def to_url(self, key: int) -> str:
        return str(key)


def asked(request: HttpRequest, name: str) -> str:
    """A word of the URL's query, cut where no name is longer, which SQLite would refuse.

    It is without NUL, which PostgreSQL refuses.
    """
    return request.GET.get(name, "").replace("\0", "").strip()[: rules.SEARCH_LENGTH]


def wants_fragment(request: LoggedInRequest) -> bool:
    """True for htmx's own requests; plain and boosted ones get the whole page."""
    return bool(request.htmx) and not request.htmx.boosted
