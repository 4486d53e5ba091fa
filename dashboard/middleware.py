"""What is added to the answers of Django, in one place for all of them."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class PrivatePages(MiddlewareMixin):
    """Forbid browsers and proxies to keep a page: after the log-out nobody goes back to it.

    WhiteNoise stands before this, so static files keep their own rule.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response
