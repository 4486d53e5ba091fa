"""What holds for every page: it is kept nowhere, and a refused right is one line of the log."""

import logging
from contextlib import closing

import pytest
from django.urls import reverse

from rttm.models import Action
from tests import builders
from tests.converges import HTMX
from tests.routes import ROUTES, at


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_no_answer_may_be_kept_by_a_browser_or_a_proxy(
    client_as, admin, mirrored, backend, headers
):
    """So that who goes back after the log-out sees nothing."""
    key = str(mirrored(builders.service()).pk)
    kept = []
    for route in set(ROUTES) - {"/healthz"}:  # it asks other processes
        for user in (admin, None):
            response = client_as(user).get(at(route, key), headers=headers)
            rule = response.get("Cache-Control", "")
            if not {"private", "no-store"} <= set(rule.replace(",", " ").split()):
                kept.append((route, user, rule))
    assert kept == []


def test_static_files_may_be_kept(client_as, settings):
    settings.WHITENOISE_USE_FINDERS = True
    with closing(client_as(None).get("/static/app.css")) as response:
        assert response.status_code == 200
        assert "no-store" not in response["Cache-Control"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_refused_right_is_one_line_of_the_log_with_who_and_why(
    client_as, viewer, mirrored, caplog, headers
):
    url = reverse("service-recover", args=[mirrored(builders.service()).pk])
    with caplog.at_level(logging.INFO, "django"):
        response = client_as(viewer).post(url, headers=headers)
    assert response.status_code == 403
    assert not Action.objects.exists()
    [record] = caplog.records
    assert record.exc_info is None
    assert record.getMessage() == (
        f"Refused to vera from 127.0.0.1: POST {url} "
        "(Your role reads only; ask an admin for the operator role.)"
    )
