"""Somebody logged in at the engine's API, in the test's own process."""

import json
from typing import Any

from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.terms import EntryStatus
from rttm.engine import store
from rttm.engine.api import ApiCall, ApiReply, handle

NOW, IP = 1_700_000_000.0, "192.0.2.10"
SERVICE = "RTTM/example.com/www.example.com"
REGION = "RTTMRegion/example.com/www.example.com"
ENTRY = "RTTMRegionPoolEntry/example.com/www.example.com"
WANTED: dict[str, Any] = {
    "contact_nickname": "owner",
    "monitor": {"protocol": "HTTP", "interval": 5},
    "performance_monitor": {"protocol": "HTTP", "interval": 20},
    "region": [
        {
            "region_code": "global",
            "pool": [{"address": "192.0.2.1", "weight": 5}, {"address": "192.0.2.2"}],
            "failover_mode": "ip",
            "failover_data": "192.0.2.99",
        }
    ],
}

NAMES = {"customer_name": "acme", "user_name": "olga", "password": "pw"}


class Client:
    """Somebody logged in."""

    def __init__(self) -> None:
        self.token, self.now = "", NOW

    def reply(self, method: str, path: str, args: Any = None, **fields: Any) -> ApiReply:
        headers = {"auth-token": self.token} if self.token else {}
        body = b"" if args is None else json.dumps(args).encode()
        call = {"headers": headers, "query": {}, "body": body, "client_ip": IP} | fields
        return handle(ApiCall(method, f"/REST/{path}", **call), self.now)

    def does(self, method: str, path: str, args: Any = None, **fields: Any) -> Any:
        """The data of a call that succeeds."""
        reply = self.reply(method, path, args, **fields)
        assert reply.status == 200, reply.body
        assert reply.json["status"] == "success"
        return reply.json["data"]

    def hears(self, method: str, path: str, args: Any = None) -> list[str]:
        """The messages of a call that succeeds."""
        reply = self.reply(method, path, args)
        assert reply.status == 200, reply.body
        return [message["INFO"] for message in reply.json["msgs"]]

    def fails(self, method: str, path: str, args: Any = None, **fields: Any) -> tuple[int, str]:
        """HTTP status and code of a call that is refused, with the message kept aside."""
        reply = self.reply(method, path, args, **fields)
        body = reply.json
        assert (body["status"], body["data"]) == ("failure", {})
        first, *_, last = body["msgs"]
        assert (first["LVL"], last["LVL"], last["ERR_CD"]) == ("ERROR", "INFO", None)
        self.said = first["INFO"]
        self.closing = last["INFO"]
        return reply.status, first["ERR_CD"]


def logged_in(settings: Any) -> Client:
    client = Client()
    settings.DYNECT_CUSTOMER, settings.DYNECT_USERNAME = "acme", "olga"
    settings.DYNECT_PASSWORD = "pw"
    client.token = client.does("POST", "Session/", NAMES)["token"]
    return client


def probed(*, at: float = NOW, kind: Kind = Kind.HEALTH, **statuses: str) -> None:
    """Results of probes, by the last number of the address."""
    row = store.find("example.com", "www.example.com")
    assert row
    results = [
        store.RunResult(
            row.pk, row.version, f"192.0.2.{name[1:]}", kind,
            ProbeResult(EntryStatus(status), f"said {status}"), at,
        )
        for name, status in statuses.items()
    ]  # fmt: skip
    store.record_results(results, site_code="XXX", now=at)
