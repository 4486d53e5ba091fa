"""Instances run side by side, each on ports of its own, also when they start at once."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from django.core.management.base import CommandError

from dashboard.management.commands.up import demo_programs
from dashboard.ports import LOOPBACK, Ports, holding_ports
from tests.files import open_to_others
from tests.servers import PATIENCE
from tests.stack import Installation
from tests.up import Up, free_ports

NODES = ["127.0.0.1", "127.0.10.11"]


@contextmanager
def taken(host: str = LOOPBACK, port: int = 0) -> Iterator[int]:
    """Another program listens there."""
    with socket.create_server((host, port)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def ports() -> Iterator[Ports]:
    with holding_ports() as ports:
        yield ports


def test_nodes_get_a_free_port_and_keep_it(ports, tmp_path):
    with holding_ports() as first:
        port = first.take_for_nodes(tmp_path / "port", NODES)
    assert ports.take_for_nodes(tmp_path / "port", NODES) == port


def test_two_that_start_at_once_never_choose_the_same_port(ports, tmp_path):
    """Neither has opened a port yet when the other one chooses."""
    [start] = free_ports(1)
    with holding_ports() as others:
        chosen = [
            *(one.take("PORT", LOOPBACK, start, may_move=True) for one in (ports, others)),
            *(one.take("ENGINE_PORT", LOOPBACK, start, may_move=True) for one in (ports, others)),
            *ports.take_for_nodes(tmp_path / "one", NODES),
            *others.take_for_nodes(tmp_path / "two", NODES),
        ]
    assert len(set(chosen)) == 6


@pytest.mark.parametrize("address", NODES)
def test_remembered_port_that_is_taken_is_left_and_still_remembered(ports, tmp_path, address):
    with taken(address) as port:
        (tmp_path / "port").write_text(f"{port} 9")
        now, *before = ports.take_for_nodes(tmp_path / "port", NODES)
    assert now != port
    assert before == [port, 9]
    with holding_ports() as later:
        assert later.take_for_nodes(tmp_path / "port", NODES)[1:] == [now, port, 9]


def test_default_port_that_is_taken_gives_way_to_the_next(ports):
    with taken() as port:
        assert ports.take("PORT", LOOPBACK, port, may_move=True) > port


def test_chosen_port_that_is_taken_is_an_error(ports):
    with taken() as port, pytest.raises(CommandError, match=f"Port {port} on 127.0.0.1 is taken"):
        ports.take("PORT", LOOPBACK, port, may_move=False)


def test_a_udp_server_is_not_in_the_way_of_a_chosen_port(ports):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((LOOPBACK, 0))
        port = server.getsockname()[1]
        assert ports.take("PORT", LOOPBACK, port, may_move=False) == port


def test_address_of_another_machine_is_an_error(ports, tmp_path):
    with pytest.raises(CommandError, match="Set HOST or PORT"):
        ports.take("PORT", "192.0.2.1", 8000, may_move=True)
    with pytest.raises(CommandError, match="DEMO=0"):
        ports.take_for_nodes(tmp_path / "port", ["192.0.2.1"])


def test_services_of_the_demo_follow_its_nodes_from_each_port_they_had(ports, settings, tmp_path):
    settings.NODES_PORT_FILE = tmp_path / "port"
    with taken("127.0.10.11") as former:
        settings.NODES_PORT_FILE.write_text(f"{former} 9")
        programs = demo_programs(ports)
    now = settings.NODES_PORT_FILE.read_text().split()[0]
    assert now != str(former)
    assert programs.nodes.command[-2:] == ["--port", now]
    assert programs.seed.command[-5:] == ["--port", now, "--moved-from", str(former), "9"]


# --- whole instances


class Instance(Installation):
    """A demo that was told no port."""

    def start(self) -> Up:
        self.up = Up({k: v for k, v in self.environment.items() if not k.endswith("PORT")})
        return self.up

    def port(self, file: str) -> int:
        return int((self.directory / file).read_text().split()[0])

    def is_answered(self) -> bool:
        """Its own page is where it says that its page is."""
        [url] = re.findall(r"RTTM dashboard: (\S+)", self.up.said)
        return requests.get(f"{url}healthz", timeout=PATIENCE).status_code == 200


@pytest.fixture
def make(tmp_path) -> Iterator[Callable[[str], Instance]]:
    made: list[Instance] = []

    def make(name: str) -> Instance:
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
        made.append(Instance(tmp_path / name, DEMO="1"))
        return made[-1]

    yield make
    for instance in made:
        if instance.up.is_running:
            instance.up.stop()


def test_two_first_starts_at_once_run_side_by_side(make):
    one, two = make("one"), make("two")
    for up in [one.start(), two.start()]:
        up.wait_until_ready()
    for file in ("engine-port", "demo-nodes-port"):
        assert one.port(file) != two.port(file)
    assert one.is_answered()
    assert two.is_answered()
    assert open_to_others(one.directory) == []
