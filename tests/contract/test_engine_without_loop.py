"""A process that only answers: what it says once nobody probes any more."""

from pathlib import Path

from tests.contract.engine_server import EngineServer, logged_in
from tests.probing import closed_port
from tests.servers import wait_until
from tests.small_servers import LOCALHOST

SERVICE = "RTTM/example.com/www.example.com/"


class Engine(EngineServer):
    def probe_no_more(self) -> None:
        self.stop()
        self._options = ["--no-loop"]
        self.start()


def test_statuses_that_no_site_confirms_any_more_become_unknown(tmp_path: Path):
    engine = Engine(tmp_path, SECONDS_PER_MINUTE="1")
    try:
        with logged_in(engine.url) as client:

            def seen() -> str:
                [region] = client.call("GET", SERVICE)["data"]["region"]
                return region["pool"][0]["status"]

            monitor = {"protocol": "TCP", "interval": 1, "retries": 0, "port": closed_port()}
            wanted = {
                "contact_nickname": "owner",
                "monitor": monitor,
                "performance_monitor": {"protocol": "NONE", "interval": 10},
                "region": [{"region_code": "global", "pool": [{"address": LOCALHOST}]}],
            }
            client.call("POST", SERVICE, wanted)
            wait_until(lambda: seen() == "down", "it was probed")
            engine.probe_no_more()
            wait_until(lambda: seen() == "unk", "nobody knows any more")
    finally:
        engine.stop()
