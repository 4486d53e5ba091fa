"""Refuses what cannot be written, with the reason, where the database only lets itself be read."""

from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rttm.storage import describe_refusal_to_write

HEADER = "X-Refused"  # htmx swaps no answer of this status: live.js says this sentence in its place


class SessionMiddleware(DjangoSessionMiddleware):
    """Sessions, which are written last of all; and what a view could not write."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except (DatabaseError, SessionInterrupted) as error:
            refusal = refuse(request, _find_database_error(error))
            if refusal is None:
                raise
            return refusal

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        refusal = refuse(request, error) if isinstance(error, DatabaseError) else None
        if refusal is not None:
            request.session.modified = False  # writing it would fail as well
        return refusal


def _find_database_error(error: BaseException | None) -> DatabaseError | None:
    """Look behind SessionInterrupted: Django takes each failed write for a deleted session."""
    while error:
        if isinstance(error, DatabaseError):
            return error
        error = error.__context__
    return None


def refuse(request: HttpRequest, error: DatabaseError | None) -> HttpResponse | None:
    """Return the page that says why nothing was written; None for another failure."""
    reason = describe_refusal_to_write(error) if error else ""
    if not reason:
        return None
    sentence = f"The dashboard did not do this, because {reason}. Nothing was changed."
    response = render(request, "503.html", {"sentence": sentence}, status=503)
    response[HEADER] = sentence
    return response
