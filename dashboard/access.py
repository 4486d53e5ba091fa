"""Who may do what, decided on the server: everyone logged in reads, operators edit and act."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.views.csrf import csrf_failure
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


def wants_fragment(request: HttpRequest) -> bool:
    """True for htmx's own requests; plain and boosted ones get the whole page."""
    htmx: Any = getattr(request, "htmx", None)  # None where a request was refused before it is set
    return bool(htmx) and not htmx.boosted


def tell_session(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Any:
    """Middleware: tell htmx whose session answered, and with 401 that the session has ended.

    htmx would follow a redirect to the log-in page and put that page in place of a component.
    """

    def answer(request: LoggedInRequest) -> HttpResponseBase:
        response = get_response(request)
        if not wants_fragment(request):
            return response
        if _leads_to_log_in(response):
            response = HttpResponse("Your session has ended: log in again.", status=401)
        response["X-Session-User"] = str(request.user.pk or "")
        return response

    return answer


def _leads_to_log_in(response: HttpResponseBase) -> bool:
    path = urlsplit(response.get("Location", "")).path
    return response.status_code == 302 and path == resolve_url(settings.LOGIN_URL)


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """Answer a page that has the token of an older session; htmx then takes the new one over."""
    if wants_fragment(request):
        return HttpResponse("This page belongs to an older session.", status=401)
    return csrf_failure(request, reason)
