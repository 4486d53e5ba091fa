"""What holds for every page: it is kept nowhere."""

from contextlib import closing

import pytest

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
