"""Deleted by another process while the engine answers: its queries are not of one moment."""

import pytest

from rttm.engine import answers
from rttm.engine.api import ApiCall
from rttm.engine.models import RegionState, Service, Session, Task
from rttm.engine.router import ALIAS
from tests.django.fuzzing import Stage, staged
from tests.endpoints import ENDPOINTS, Endpoint
from tests.engine_client import IP, NOW
from tests.meanwhile import changed_before_each_query

EVERY = [pytest.param(e, id=f"{e.method} {e.resource} {len(e.names)}") for e in ENDPOINTS]


@pytest.fixture
def stage(settings, db) -> Stage:
    return staged(settings)


@pytest.mark.parametrize("deleted", [Service, Session, Task])
@pytest.mark.parametrize("endpoint", EVERY)
def test_call_is_answered_whatever_is_deleted_meanwhile(
    stage: Stage, endpoint: Endpoint, deleted: type
):
    replies = changed_before_each_query(
        ALIAS, lambda: stage.reply(endpoint, endpoint.args), deleted.objects.all().delete
    )
    *_, (_, undisturbed) = replies
    assert undisturbed.is_success


@pytest.mark.parametrize("deleted", [Service, Session, RegionState])
@pytest.mark.parametrize("query", [{}, {"at": str(int(NOW))}], ids=["now", "then"])
def test_question_for_answers_is_answered_whatever_is_deleted_meanwhile(
    stage: Stage, query: dict[str, str], deleted: type
):
    path, token = "/answers/example.com/www.example.com/Asia/", stage.client.token
    call = ApiCall("GET", path, {"auth-token": token}, query, b"", IP)
    replies = changed_before_each_query(
        ALIAS, lambda: answers.handle(call, stage.client.now), deleted.objects.all().delete
    )
    statuses = [reply.status for _, reply in replies]
    assert set(statuses) <= {200, 401, 404}
    assert statuses[-1] == 200
