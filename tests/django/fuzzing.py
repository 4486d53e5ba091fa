"""A stage for odd calls: an engine with one of everything, and what it has at a moment."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.db import connections, transaction

from rttm.engine import jobs, sessions
from rttm.engine.api import CODES, ApiReply
from rttm.engine.router import ALIAS
from tests.endpoints import Endpoint
from tests.engine_client import Client, logged_in
from tests.objects import SERVICE

STATUSES = {200, 400, 404}
BOOKKEEPING = {"Counter", "Session"}  # of calls, refused ones too
TABLES = [
    model._meta.db_table
    for model in apps.get_app_config("engine").get_models()
    if model.__name__ not in BOOKKEEPING
]
JOB_NUMBER = 10**12
SHOWN = 5  # of the calls that went wrong


def rows() -> dict[str, list[Any]]:
    """All that the engine has."""
    found = {}
    with connections[ALIAS].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            found[table] = cursor.fetchall()
    return found


@dataclass(frozen=True)
class Reply:
    """An answer that is an envelope as documented, or this could not be made."""

    status: int
    envelope: dict[str, Any]

    @property
    def data(self) -> Any:
        return self.envelope["data"]

    @property
    def is_success(self) -> bool:
        return self.status == 200

    @property
    def is_failure(self) -> bool:
        return not self.is_success

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Field and code of each."""
        return [
            (message["INFO"].split(": ")[0], message["ERR_CD"])
            for message in self.envelope["msgs"]
            if message["LVL"] == "ERROR"
        ]


def checked(reply: ApiReply) -> Reply:
    envelope = reply.json
    assert reply.status in STATUSES
    assert list(envelope) == ["status", "data", "job_id", "msgs"]
    assert envelope["status"] == ("success" if reply.status == 200 else "failure")
    for message in envelope["msgs"]:
        assert list(message) == ["INFO", "SOURCE", "ERR_CD", "LVL"]
        assert message["ERR_CD"] in (CODES if message["LVL"] == "ERROR" else {None})
    found = Reply(reply.status, envelope)
    codes = {code for _, code in found.errors}
    assert bool(codes) == found.is_failure
    assert (reply.status == 404) == (codes == {"NOT_FOUND"})
    if found.is_failure:
        assert envelope["data"] == {}
    return found


class Stage:
    """Somebody logged in, next to a service with two regions, a task and a job."""

    def __init__(self, client: Client, task: str) -> None:
        self.client = client
        self.rows = rows()
        self._numbers = {"Task": task, "Job": str(JOB_NUMBER)}

    def names(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Those of the description, with the numbers that came to be here."""
        number = self._numbers.get(endpoint.resource)
        return (number,) if number and endpoint.names else endpoint.names

    def reply(self, endpoint: Endpoint, args: Any, **fields: Any) -> Reply:
        return self.send(endpoint.method, endpoint.resource, self.names(endpoint), args, **fields)

    def send(
        self, method: str, resource: str, names: Iterable[str], args: Any = None, **fields: Any
    ) -> Reply:
        path = "/".join([resource, *(quote(name, safe="") for name in names)])
        return checked(self.client.reply(method, path, args, **fields))

    def present(self, endpoint: Endpoint) -> Any:
        """What a change begins with; for what is new, the same made without the odd field."""
        if endpoint.method == "PUT":
            return self.send("GET", endpoint.resource, self.names(endpoint)).data
        with self.undone():
            return self.reply(endpoint, endpoint.args).data

    def read_again(self, endpoint: Endpoint, data: dict[str, Any]) -> Any:
        """By the names in its own answer."""
        own = [data[key] for key in ("region_code", "address") if key in data]
        names = (data["zone"], data["fqdn"], *own)
        return self.send("GET", endpoint.resource, names).data

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What a call did that went well is no part of the next one."""
        with transaction.atomic(using=ALIAS):
            yield
            transaction.set_rollback(True, using=ALIAS)

    def is_untouched(self) -> None:
        assert rows() == self.rows

    def all_hold(self, complaints: Iterable[str | None]) -> None:
        """Every one is tried, so that one run shows what is wrong with a field."""
        found = [complaint for complaint in complaints if complaint]
        assert not found, "\n".join([f"{len(found)} went wrong", *found[:SHOWN]])


def staged(settings: Any) -> Stage:
    client = logged_in(settings)
    client.does("POST", "RTTM/example.com/www.example.com", SERVICE)
    client.does("PUT", "RTTM/example.com/www.example.com", {"recover": True})
    task = client.does("GET", "Task")[0]["task_id"]
    answer = {"status": "success", "data": {}, "job_id": JOB_NUMBER, "msgs": []}
    owner = sessions.hash_of(client.token)
    jobs.keep(JOB_NUMBER, owner, status=200, body=json.dumps(answer), now=client.now)
    return Stage(client, str(task))
