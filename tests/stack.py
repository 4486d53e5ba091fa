"""The whole program as a person runs it: `manage.py up`, empty, on free ports and data of its own.

Time runs fast: a minute of the monitors is 2 seconds, and the mirror is synced every second.
"""

import os
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from rttm.client import Credentials, Dynect, HttpTransport, calls
from rttm.core import schema
from tests.contract.engine_server import CUSTOMER, PASSWORD, USERNAME
from tests.process_table import children, command_of
from tests.servers import PATIENCE, wait_until
from tests.up import MANAGE, ROOT, Up, free_ports

FAST = {"SECONDS_PER_MINUTE": "2", "SYNC_INTERVAL": "1"}
PLAIN = {"DEMO": "0", "DEBUG": "0", "PROBE_ALLOW": "127.0.0.0/8", "LOG_LEVEL": "WARNING"}
# What the tests' own process has for itself.
NOT_OURS = {"DATABASE_URL", "ENGINE_DATABASE_URL", "REDIS_URL", "SECURE_COOKIES", "DYNECT_URL"}


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    role: str
    password: str = "correct horse battery"


OLGA = Account("olga", "operator")
VERA = Account("vera", "viewer")
ADA = Account("ada", "admin")

MAKE_ACCOUNTS = """
from dashboard.models import User
for username, role in {accounts}:
    User.objects.create_user(username, password={password!r}, role=role)
"""


class Installation:
    """A DATA_DIR with the environment that every program on it gets."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        clean = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        own = {
            "DATA_DIR": str(directory),
            "DYNECT_CUSTOMER": CUSTOMER,
            "DYNECT_USERNAME": USERNAME,
            "DYNECT_PASSWORD": PASSWORD,
        }
        self.environment = clean | FAST | PLAIN | own | environment

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py to its end; what it printed."""
        done = subprocess.run(
            [*MANAGE, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Rows of the dashboard's database, behind the program's back."""
        path = self.directory / "dashboard.sqlite3"
        with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as database:
            return database.execute(statement, values).fetchall()

    def the(self, what: str, table: str, pk: int) -> Any:
        """One column of one row; None when there is no such row."""
        rows = self.sql(f"SELECT {what} FROM {table} WHERE id = ?", pk)
        return rows[0][0] if rows else None


class Stack(Installation):
    """Start and stop `manage.py up`; DYNECT_URL names a backend other than its own engine."""

    def __init__(self, directory: Path, **environment: str) -> None:
        port, engine_port = free_ports(2)
        ports = {"PORT": str(port), "ENGINE_PORT": str(engine_port)}
        super().__init__(directory, **ports, **environment)
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.backend_url = environment.get("DYNECT_URL") or f"http://127.0.0.1:{engine_port}"
        self._up = Up(self.environment)
        try:
            self._up.wait_until_ready()
        except BaseException:
            self._up.process.kill()
            raise
        accounts = [(account.username, account.role) for account in (OLGA, VERA, ADA)]
        make = MAKE_ACCOUNTS.format(accounts=accounts, password=OLGA.password)
        self.manage("shell", "-v", "0", "-c", make)

    def stop(self) -> None:
        """It has to end in order."""
        assert self._up.stop() == 0, self._up.said

    def pid_of(self, words: str) -> int:
        """The process of `up` with these words in its command."""
        [pid] = [pid for pid in children(self._up.process.pid) if words in command_of(pid)]
        return pid

    @property
    def redis_url(self) -> str:
        return (self.directory / "valkey" / "url").read_text()

    def dynect(self) -> Dynect:
        """Somebody else who works with the backend, as a script would."""
        credentials = Credentials(CUSTOMER, USERNAME, PASSWORD)
        return Dynect(HttpTransport(self.backend_url), credentials)

    def has(self, value: schema.Service) -> int:
        """Create a service at the backend, and wait until the mirror has it; its key there."""
        assert self._up.is_running, self._up.said
        with closing(self.dynect()) as dynect:
            dynect.run(calls.service_create(value))
        wait_until(lambda: self.service_pk(value.fqdn), f"the mirror has {value.fqdn}")
        pk: int = self.service_pk(value.fqdn)
        return pk

    def service_pk(self, fqdn: str) -> Any:
        rows = self.sql("SELECT id FROM rttm_service WHERE fqdn = ?", fqdn)
        return rows[0][0] if rows else None

    def region_pk(self, service: int, code: str = "global") -> Any:
        find = "SELECT id FROM rttm_region WHERE service_id = ? AND region_code = ?"
        rows = self.sql(find, service, code)
        return rows[0][0] if rows else None

    def entry_pk(self, service: int, address: str, code: str = "global") -> Any:
        find = "SELECT id FROM rttm_poolentry WHERE region_id = ? AND address = ?"
        rows = self.sql(find, self.region_pk(service, code), address)
        return rows[0][0] if rows else None

    def visitor(self, account: Account) -> "Visitor":
        return Visitor(self.url, account)


class Visitor:
    """Somebody logged in whose browser is htmx alone: every request wants a fragment."""

    def __init__(self, url: str, account: Account) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.get(f"{url}/login/", timeout=PATIENCE)
        names = {"username": account.username, "password": account.password}
        answer = self.post("/login/", names, {"HX-Request": ""})
        assert answer.status_code == 200, answer.text

    def get(self, path: str) -> requests.Response:
        return self._http.get(self._url + path, timeout=PATIENCE, headers={"HX-Request": "true"})

    def post(
        self, path: str, data: dict[str, Any], headers: dict[str, str] | None = None
    ) -> requests.Response:
        token = self._http.cookies["csrftoken"]
        return self._http.post(
            self._url + path,
            data=data,
            timeout=PATIENCE,
            headers={"X-CSRFToken": token, "HX-Request": "true"} | (headers or {}),
        )

    @property
    def session(self) -> str:
        """The key of its session, for another browser of the same person."""
        return self._http.cookies["sessionid"]

    def close(self) -> None:
        self._http.close()
