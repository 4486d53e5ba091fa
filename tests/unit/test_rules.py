"""Every rule at both sides of its boundary; and that limits live in rules.py alone."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rttm.core import rules
from rttm.core.rules import Problem
from rttm.core.schema import HealthMonitor, PerformanceMonitor
from tests.builders import pool_entry, region, service

ROOT = Path(__file__).parents[2]
LONG = "x" * 1025
OWN = "www.example.com"


def of_entry(**fields: Any) -> list[Problem]:
    return rules.check_pool_entry(pool_entry(**fields), others=("192.0.2.7",), fqdn=OWN)


def of_region(code: str = "global", **fields: Any) -> list[Problem]:
    return rules.check_region(region(code, **fields), ("global", "Asia"), fqdn=OWN)


def of_monitor(**fields: Any) -> list[Problem]:
    monitor = HealthMonitor(**{"protocol": "HTTP", **fields})
    return rules.check_monitor(monitor, rules.HEALTH_INTERVALS)


def of_performance(interval: int) -> list[Problem]:
    value = service(performance_monitor=PerformanceMonitor("HTTP", interval))
    return rules.check_service(value)


def of_service(**fields: Any) -> list[Problem]:
    return rules.check_service(service(**fields))


def of_timing(ttl: int, interval: int) -> list[Problem]:
    return of_service(ttl=ttl, monitor=HealthMonitor("HTTP", interval))


def of_contact(name: str) -> list[Problem]:
    return rules.check_line("first_name", name, "First name")


def of_delete(code: str, **fields: Any) -> list[Problem]:
    regions = region(), region("Asia"), region("EU West", **fields)
    return rules.check_region_delete(service(region=regions), code)


def of_warnings(**fields: Any) -> list[Problem]:
    return rules.warn_region(region(**{"ep": 2, **fields}))


# Control characters, separators of lines, and marks that turn the order of what follows.
DECEPTIVE = "\0\n\r\t\x1b\x7f\x85\u2028\u2029\u202a\u202d\u202e\u2066\u2069"
HARMLESS = "a \u05d0\u200f\xa0\u2603\U0001f468\u200d\U0001f4bb"
FAILS_OVER = {"failover_mode": "region", "failover_data": "Asia"}

# field, code, the check, what just breaks it, and what is just good.
BOUNDARIES: list[tuple[str, str, Any, list[dict[str, Any]], list[dict[str, Any]]]] = [
    (
        *("address", "not_an_address", of_entry),
        [{"address": "300.0.2.1"}, {"address": "localhost"}, {"address": ""}]
        + [{"address": "2001:db8::1"}, {"address": "-a.example.net"}, {"address": "a..net"}]
        + [{"address": f"{'x' * 64}.example.net"}, {"address": "a.b." * 62 + "example.net"}],
        [{"address": "255.0.2.1"}, {"address": "host.net"}, {"address": "_a-b.example.net"}]
        + [{"address": f"{'x' * 63}.example.net"}, {"address": "a.b." * 60 + "example.net"}],
    ),
    (*("address", "duplicate", of_entry), [{"address": "192.0.2.7"}], [{"address": "192.0.2.8"}]),
    (*("address", "own_name", of_entry), [{"address": OWN}], [{"address": f"a.{OWN}"}]),
    (*("label", "too_long", of_entry), [{"label": "x" * 256}], [{"label": "x" * 255}]),
    (
        *("label", "deceptive", of_entry),
        [{"label": f"a{odd}b"} for odd in DECEPTIVE],
        [{"label": HARMLESS}],
    ),
    (*("first_name", "too_long", of_contact), [{"name": "x" * 256}], [{"name": "x" * 255}]),
    (
        *("first_name", "deceptive", of_contact),
        [{"name": f"a{odd}b"} for odd in DECEPTIVE],
        [{"name": HARMLESS}, {"name": ""}],
    ),
    (*("weight", "out_of_range", of_entry), [{"weight": 0}, {"weight": 16}], [{"weight": 15}]),
    (*("serve_mode", "not_a_choice", of_entry), [{"serve_mode": "off"}], [{"serve_mode": "no"}]),
    (*("region_code", "not_a_choice", of_region), [{"code": "Mars"}], [{"code": "EU East"}]),
    (
        *("region_code", "not_a_choice", of_region),
        [{"code": "Mars", "autopopulate": True}],
        [{"code": "Asia", "autopopulate": True, "ep": 0, "pool": ()}],
    ),
    (
        *("autopopulate", "global", of_region),
        [{"code": "global", "autopopulate": True}],
        [{"code": "Asia", "autopopulate": True}],
    ),
    (*("ep", "out_of_range", of_region), [{"ep": 0}, {"ep": 1001}], [{"ep": 1}, {"ep": 1000}]),
    (*("apmc", "out_of_range", of_region), [{"apmc": 0}, {"apmc": 1001}], [{"apmc": 1000}]),
    (*("epmc", "out_of_range", of_region), [{"epmc": 0}], [{"epmc": 1}]),
    (*("epmc", "above_ep", of_region), [{"epmc": 3, "ep": 2}], [{"epmc": 2, "ep": 2}]),
    (
        *("serve_count", "out_of_range", of_region),
        [{"serve_count": 0}, {"serve_count": 14}],
        [{"serve_count": 1}, {"serve_count": 13}],
    ),
    (
        *("failover_data", "not_ipv4", of_region),
        [{"failover_data": ""}, {"failover_data": "cdn.example.net"}],
        [{"failover_data": "192.0.2.9"}],
    ),
    (
        *("failover_data", "not_fqdn", of_region),
        [{"failover_mode": "cname", "failover_data": "192.0.2.9"}, {"failover_mode": "cname"}],
        [{"failover_mode": "cname", "failover_data": "cdn.example.net"}],
    ),
    (
        *("failover_data", "own_name", of_region),
        [{"failover_mode": "cname", "failover_data": name} for name in (OWN, OWN.upper())],
        [{"failover_mode": "cname", "failover_data": f"a.{OWN}"}],
    ),
    (
        *(f"pool[{OWN}].address", "own_name", of_region),
        [{"pool": (pool_entry(OWN),)}],
        [{"pool": (pool_entry(f"a.{OWN}"),)}],
    ),
    (
        *("failover_data", "itself", of_region),
        [{"code": "Asia", **FAILS_OVER}],
        [{"code": "EU East", **FAILS_OVER}],
    ),
    (
        *("failover_data", "no_such_region", of_region),
        [{"failover_mode": "region", "failover_data": "US West"}],
        [FAILS_OVER],
    ),
    (
        *("failover_data", "too_long", of_region),
        [{"failover_mode": "global", "failover_data": "x" * 254}],
        [{"failover_mode": "global", "failover_data": "x" * 253}, {"failover_mode": "global"}],
    ),
    (
        *("failover_mode", "not_a_choice", of_region),
        [{"failover_mode": "dns"}],
        [{"failover_mode": "ip"}],
    ),
    (*("pool", "empty", of_region), [{"pool": ()}], [{"pool": (pool_entry(),)}]),
    (
        *("pool[192.0.2.1].address", "duplicate", of_region),
        [{"pool": (pool_entry(), pool_entry())}],
        [{"pool": (pool_entry(), pool_entry("192.0.2.2"))}],
    ),
    (*("apmc", "above_pool", of_warnings), [{"apmc": 3}], [{"apmc": 2}, {"autopopulate": True}]),
    (*("epmc", "above_pool", of_warnings), [{"epmc": 3, "ep": 3}], [{"epmc": 2}]),
    (*("ep", "above_pool", of_warnings), [{"ep": 3}], [{"ep": 2}]),
    (*("serve_count", "above_ep", of_warnings), [{"serve_count": 3}], [{"serve_count": 2}]),
    (*("protocol", "not_a_choice", of_monitor), [{"protocol": "FTP"}], [{"protocol": "NONE"}]),
    (
        *("interval", "not_a_choice", of_monitor),
        [{"interval": number} for number in (0, 2, 20)],
        [{"interval": number} for number in (1, 5, 10, 15)],
    ),
    (
        *("performance_monitor.interval", "not_a_choice", of_performance),
        [{"interval": number} for number in (5, 15, 61)],
        [{"interval": number} for number in (10, 20, 30, 60)],
    ),
    (
        *("retries", "out_of_range", of_monitor),
        [{"retries": -1}, {"retries": 11}],
        [{"retries": 0}],
    ),
    (
        *("timeout", "not_a_choice", of_monitor),
        [{"timeout": 1}, {"timeout": 31}],
        [{"timeout": number} for number in (0, 10, 15, 25, 30)],
    ),
    (*("port", "out_of_range", of_monitor), [{"port": 65536}, {"port": -1}], [{"port": 65535}]),
    (
        *("", "too_long", of_monitor),
        [{name: LONG} for name in ("path", "host", "header", "expected")],
        [{"path": LONG[:-1]}, {"expected": LONG[:-1]}],
    ),
    (*("path", "unprintable", of_monitor), [{"path": "/a\n"}], [{"path": "/ä b"}]),
    (
        *("host", "not_a_host", of_monitor),
        [{"host": "a b"}, {"host": "1.2.3"}],
        [{"host": "web"}, {"host": "192.0.2.1"}],
    ),
    (
        *("header", "not_a_header", of_monitor),
        [{"header": "X-A"}, {"header": ": 1"}, {"header": "Ä: 1"}, {"header": "A: 1\nB: \x01"}]
        + [{"header": "A B: 1"}, {"header": "A : 1"}, {"header": "A: 1\n B: 2"}],
        [{"header": "X-A: 1\nX-B:"}, {"header": ""}],
    ),
    (
        *("zone", "not_a_zone", of_service),
        [{"zone": "com", "fqdn": "www.com"}, {"zone": "", "fqdn": ""}],
        [{"zone": "example.com"}],
    ),
    (
        *("fqdn", "not_in_zone", of_service),
        [{"fqdn": "www.example.net"}, {"fqdn": "notexample.com"}, {"fqdn": "a b.example.com"}],
        [{"fqdn": "example.com"}, {"fqdn": "a.b.example.com"}],
    ),
    (
        *("contact_nickname", "no_contact", of_service),
        [{"contact_nickname": ""}, {"contact_nickname": "x" * 256}],
        [{"contact_nickname": "x" * 255}],
    ),
    (
        *("contact_nickname", "deceptive", of_service),
        [{"contact_nickname": f"a{odd}b"} for odd in DECEPTIVE],
        [{"contact_nickname": HARMLESS}],
    ),
    (
        *("recovery_delay", "out_of_range", of_service),
        [{"recovery_delay": -1}, {"recovery_delay": 101}],
        [{"recovery_delay": 0}, {"recovery_delay": 100}],
    ),
    (
        *("notify_events", "not_a_choice", of_service),
        [{"notify_events": ("ip", "all")}],
        [{"notify_events": ("ip", "svc", "nosrv")}],
    ),
    (
        *("ttl", "not_a_choice", of_timing),
        [{"ttl": 31, "interval": 5}],
        [{"ttl": 30, "interval": 5}],
    ),
    (
        *("ttl", "above_half_interval", of_timing),
        [{"ttl": ttl, "interval": minutes} for ttl, minutes in [(60, 1), (300, 5), (450, 10)]],
        [{"ttl": ttl, "interval": minutes} for ttl, minutes in [(30, 1), (150, 5), (450, 15)]],
    ),
    (
        *("syslog_server", "not_a_host", of_service),
        [{"syslog_server": "a b"}, {"syslog_server": "fe80::1%eth0"}],
        [{"syslog_server": ""}, {"syslog_server": "log"}, {"syslog_server": "192.0.2.1"}]
        + [{"syslog_server": "2001:db8::1"}],
    ),
    (
        *("syslog_port", "out_of_range", of_service),
        [{"syslog_port": 0}, {"syslog_port": 65536}],
        [{"syslog_port": 1}, {"syslog_port": 65535}],
    ),
    (
        *("syslog_ident", "not_an_ident", of_service),
        [{"syslog_ident": ""}, {"syslog_ident": "x" * 33}, {"syslog_ident": "a b"}],
        [{"syslog_ident": "x" * 32}],
    ),
    (
        *("syslog_facility", "not_a_choice", of_service),
        [{"syslog_facility": "local8"}],
        [{"syslog_facility": "local7"}],
    ),
    (
        *("syslog_delivery", "not_a_choice", of_service),
        [{"syslog_delivery": "some"}],
        [{"syslog_delivery": "all"}],
    ),
    (
        *("", "too_long", of_service),
        [{f"syslog_{name}_fmt": LONG} for name in ("probe", "status", "rttm")],
        [{"syslog_probe_fmt": LONG[:-1]}],
    ),
    (*("region", "no_global", of_service), [{"region": (region("Asia"),)}], [{}]),
    (
        *("region", "duplicate", of_service),
        [{"region": (region(), region("Asia"), region("Asia"))}],
        [{"region": (region(), region("Asia"))}],
    ),
    (
        *("region[Asia].pool[192.0.2.1].weight", "out_of_range", of_service),
        [{"region": (region(), region("Asia", pool=(pool_entry(weight=16),)))}],
        [{"region": (region(), region("Asia", pool=(pool_entry(weight=15),)))}],
    ),
    (
        *("monitor.port", "out_of_range", of_service),
        [{"monitor": HealthMonitor("TCP", 5, port=65536)}],
        [{"monitor": HealthMonitor("TCP", 5, port=25)}],
    ),
    (*("region_code", "global", of_delete), [{"code": "global"}], [{"code": "Asia"}]),
    (
        *("region_code", "in_use", of_delete),
        [{"code": "Asia", **FAILS_OVER}],
        [{"code": "Asia", **FAILS_OVER, "autopopulate": True}, {"code": "EU West", **FAILS_OVER}],
    ),
    (
        *("", "autopopulated", lambda **fields: rules.check_pool_editable(region(**fields))),
        [{"autopopulate": True}],
        [{"autopopulate": False}],
    ),
    (
        *(
            "address",
            "last_entry",
            lambda **fields: rules.check_pool_entry_delete(region(**fields)),
        ),
        [{"pool": (pool_entry(),)}],
        [{"pool": (pool_entry(), pool_entry("192.0.2.2"))}],
    ),
]
BROKEN = [(f, c, check, value) for f, c, check, bad, good in BOUNDARIES for value in bad]
GOOD = [(check, value) for f, c, check, bad, good in BOUNDARIES for value in good]


@pytest.mark.parametrize(("field", "code", "check", "value"), BROKEN)
def test_a_value_just_beyond_the_limit_is_a_problem(field, code, check, value):
    found = check(**value)
    field = field or next((name for name in value if name != "autopopulate"), "")
    assert (field, code) in [(problem.field, problem.code) for problem in found]
    assert all(problem.message.endswith(".") for problem in found)


@pytest.mark.parametrize(("check", "value"), GOOD)
def test_a_value_just_within_the_limit_is_none(check, value):
    assert check(**value) == []


def test_the_builders_make_values_without_problems():
    assert of_service() == []
    assert of_warnings() == []


def test_a_ttl_is_not_compared_with_an_interval_that_is_wrong_itself():
    assert [problem.field for problem in of_timing(ttl=300, interval=2)] == ["monitor.interval"]


def test_a_problem_seen_from_outside_names_where_it_is():
    assert Problem("ep", "c", "m").under("region[Asia]").field == "region[Asia].ep"
    assert Problem("", "c", "m").under("region[Asia]").field == "region[Asia]"


def test_a_name_of_digits_alone_is_a_mistyped_address():
    assert not rules.is_fqdn("192.0.2")
    assert rules.is_fqdn("192.0.2.example")


def _raised(tree: ast.AST) -> Iterator[tuple[str | None, str]]:
    """The (field, code) pairs in rules.py; field None where it is a variable."""
    made_by = {"_within": "out_of_range", "_one_of": "not_a_choice"}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        first = node.args[0] if node.args else None
        field = first.value if isinstance(first, ast.Constant) else None
        if node.func.id == "Problem" and isinstance(node.args[1], ast.Constant):
            yield field, node.args[1].value
        elif node.func.id in made_by:
            yield field, made_by[node.func.id]


def test_every_code_in_rules_is_exercised_at_its_boundary():
    raised = set(_raised(ast.parse(Path(rules.__file__).read_text())))
    assert len(raised) > 40
    exercised = {(re.split(r"[.]", field)[-1], code) for field, code, *_ in BOUNDARIES}
    codes = {code for _, code in exercised}
    assert {(f, c) for f, c in raised if f is not None} - exercised == set()
    assert {c for f, c in raised if f is None} - codes == set()


LIMITS = (
    *(rules.WEIGHT, rules.SERVE_COUNT, rules.COUNT, rules.RETRIES, rules.PORT),
    *(rules.RECOVERY_DELAY, rules.TTLS, rules.HEALTH_INTERVALS, rules.PERFORMANCE_INTERVALS),
    rules.TIMEOUTS,
)


def _literal(node: ast.AST) -> object:
    """What a literal collection or range holds; None for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        numbers = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        return range(*numbers) if 0 < len(numbers) == len(node.args) else None
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return tuple(sorted(e.value for e in node.elts if isinstance(e, ast.Constant)
                            and isinstance(e.value, int)))  # fmt: skip
    return None


def _bounds(node: ast.AST) -> bool:
    """A bound of a form field or validator, given as a number."""
    if isinstance(node, ast.keyword):
        return node.arg in ("min_value", "max_value") and isinstance(node.value, ast.Constant)
    if not isinstance(node, ast.Call) or not node.args:
        return False
    named = getattr(node.func, "id", getattr(node.func, "attr", ""))
    return bool(re.fullmatch(r"(Min|Max)\w+Validator", named)) and isinstance(
        node.args[0], ast.Constant
    )


def _sources() -> list[Path]:
    found = [*(ROOT / "rttm").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py")]
    return [p for p in found if "migrations" not in p.parts and p != Path(rules.__file__)]


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_repeats_a_limit(path):
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{path.name}:{getattr(node, 'lineno', '?')} states a limit of rules.py"
        assert not _bounds(node), where
        literal = _literal(node)
        assert literal is None or literal not in LIMITS, where


def test_no_template_repeats_a_limit():
    for path in (ROOT / "templates").rglob("*.html"):
        stated = re.findall(r'\b(?:min|max|maxlength)="\d+"', path.read_text())
        assert stated == [], f"{path.name} states a limit of rules.py"


def test_the_search_for_repeated_limits_would_find_one():
    assert _literal(ast.parse("range(1, 16)").body[0].value) in LIMITS
    assert _literal(ast.parse("[30, 60, 150, 300, 450]").body[0].value) in LIMITS
    assert _bounds(ast.parse("f(max_value=15)").body[0].value.keywords[0])
    assert _bounds(ast.parse("validators.MaxValueValidator(15)").body[0].value)


def test_default_ep_fits_small_pools():
    assert [rules.default_ep(size) for size in (0, 1, 2, 9)] == [1, 1, 2, 2]


def test_a_region_is_checked_against_the_codes_of_its_service():
    asia = region("Asia", failover_mode="region", failover_data="EU West")
    value = service(region=(region(), asia))
    assert [problem.code for problem in rules.check_service(value)] == ["no_such_region"]
    assert rules.check_service(replace(value, region=(*value.region, region("EU West")))) == []
