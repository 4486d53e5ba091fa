"""A random run of a service's life: the records alone tell, for every moment, what was served."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rttm.core.eligibility import decide_service, effective
from rttm.core.health import ProbeResult
from rttm.core.rules import check_service
from rttm.core.schedule import Kind
from rttm.core.schema import PoolEntry, Region, Service
from rttm.core.terms import EntryStatus, FailoverMode, RegionCode, ServeMode, Status
from rttm.engine import models, reports, store
from rttm.engine.router import ALIAS
from rttm.engine.settle import load
from tests import builders

START = 1_700_000_000.0
USER = "olga"
ADDRESSES = tuple(f"192.0.2.{number}" for number in range(1, 5))
CODES = (RegionCode.GLOBAL, RegionCode.ASIA, RegionCode.EU_WEST)
TARGETS = {
    FailoverMode.IP: st.just("192.0.2.99"),
    FailoverMode.CNAME: st.just("cdn.example.net"),
    FailoverMode.GLOBAL: st.just(""),
    FailoverMode.REGION: st.sampled_from(CODES).map(str),
}

Answer = tuple[str, int, list[Any]]  # region status as reports say it, serve count, records
Answers = dict[str, Answer]
Event = tuple[str, Any]

entries = st.builds(
    PoolEntry,
    st.sampled_from(ADDRESSES),
    weight=st.integers(1, 15),
    serve_mode=st.sampled_from(ServeMode),
)

pools = st.lists(entries, min_size=1, max_size=4, unique_by=lambda e: e.address).map(tuple)


@st.composite
def regions(draw: st.DrawFn, code: str) -> Region:
    mode = draw(st.sampled_from(FailoverMode))
    ep = draw(st.integers(1, 3))
    return Region(
        code,
        draw(pools),
        autopopulate=code != RegionCode.GLOBAL and draw(st.booleans()),
        ep=ep,
        apmc=draw(st.integers(1, 3)),
        epmc=draw(st.integers(1, ep)),
        serve_count=draw(st.integers(1, 2)),
        failover_mode=mode,
        failover_data=draw(TARGETS[mode]),
    )


@st.composite
def services(draw: st.DrawFn) -> Service:
    present = [CODES[0], *draw(st.lists(st.sampled_from(CODES[1:]), unique=True))]
    return builders.service(
        region=tuple(draw(regions(code)) for code in present),
        auto_recover=draw(st.booleans()),
        recovery_delay=draw(st.integers(0, 1)),
        notify_events=("ip", "svc", "nosrv"),
        syslog_server="192.0.2.7",
    )


valid_services = services().filter(lambda service: not check_service(service))
addresses = st.sampled_from(ADDRESSES)
results = st.dictionaries(addresses, st.sampled_from(EntryStatus), min_size=1)
tunings = st.one_of(
    *(st.tuples(st.just(field), st.integers(1, 3)) for field in ("ep", "apmc", "serve_count")),
    st.tuples(st.just("pool"), pools),
)
events = st.one_of(
    st.tuples(st.just("probe"), results),
    st.tuples(st.just("probe"), results),
    st.tuples(st.just("measure"), st.dictionaries(addresses, st.integers(1, 300), min_size=1)),
    st.tuples(st.just("edit"), valid_services),
    st.tuples(st.just("tune"), tunings),
    st.tuples(st.just("tune"), tunings),
    st.tuples(st.just("recover"), st.none()),
    st.tuples(st.just("recover_address"), addresses),
    st.tuples(st.just("switch"), st.none()),
    st.tuples(st.just("silence"), st.none()),
)


class Life:
    """One service, what happens to it, and what it answered after each event."""

    def __init__(self, value: Service) -> None:
        self.now = START
        self.key = value.key
        self.answered: dict[float, Answers] = {}
        zone, _ = store.create_zone(value.zone)
        store.create(zone, value, now=self.now, user_name=USER)

    @property
    def row(self) -> models.Service:
        row = store.hold(*self.key)
        assert row
        return row

    def happens(self, event: Event) -> None:
        name, what = event
        self.now += 10
        getattr(self, f"_{name}")(what)
        self.answered[self.now] = self.live()
        assert self.replayed(self.now) == self.live(), event

    def live(self) -> Answers:
        return {
            code: (_told(state.status, state), state.serve_count, state.records)
            for code, state in self.states().items()
        }

    def states(self) -> dict[str, models.RegionState]:
        return {state.region_code: state for state in models.RegionState.objects.all()}

    def replayed(self, at: float) -> Answers:
        return {
            told.region_code: (
                told.region_status,
                told.serve_count,
                [[record.rdata_type, record.value, record.weight] for record in told.records],
            )
            for told in reports.rrset_report(self.key, int(at))
        }

    def _probe(self, statuses: dict[str, EntryStatus]) -> None:
        self._record(Kind.HEALTH, {a: ProbeResult(s, f"said {s}") for a, s in statuses.items()})

    def _measure(self, times: dict[str, int]) -> None:
        up = EntryStatus.UP
        self._record(Kind.PERF, {a: ProbeResult(up, "fast", float(ms)) for a, ms in times.items()})

    def _record(self, kind: Kind, found: dict[str, ProbeResult]) -> None:
        row = self.row
        runs = [
            store.RunResult(row.pk, row.version, address, kind, result, self.now)
            for address, result in found.items()
        ]
        store.record_results(runs, site_code="XXX", now=self.now)

    def _edit(self, wanted: Service) -> None:
        row = self.row
        store.change(row, replace(wanted, active=row.active), now=self.now, user_name=USER)

    def _tune(self, change: tuple[str, Any]) -> None:
        """A small change of the global region."""
        first, *others = self.row.value.region
        tuned = replace(first, **{"epmc": 1, change[0]: change[1]})
        self._edit(replace(self.row.value, region=(tuned, *others)))

    def _recover(self, _: None) -> None:
        store.recover(self.row, now=self.now, user_name=USER)
        once, records = self.live(), models.ResponseRecord.objects.count()
        store.recover(self.row, now=self.now, user_name=USER)
        assert (self.live(), models.ResponseRecord.objects.count()) == (once, records)

    def _recover_address(self, address: str) -> None:
        store.recover_address(self.row, address, now=self.now, user_name=USER)

    def _switch(self, _: None) -> None:
        switch = store.deactivate if self.row.active else store.activate
        switch(self.row, now=self.now, user_name=USER)

    def _silence(self, _: None) -> None:
        """Long enough for all to be forgotten, which is then recorded as of the last result."""
        before = models.ResponseRecord.objects.count()
        self.now += 4 * 15 * 60
        store.expire(self.now, "XXX")
        if models.ResponseRecord.objects.count() > before:
            since = models.ResponseRecord.objects.latest("pk").change_ts
            self.answered = {at: told for at, told in self.answered.items() if at < since}

    def check_answers(self) -> None:
        row = self.row
        for region in row.value.region:
            _, _, records = self.live()[region.region_code]
            pool = effective(region, row.value)
            drained = all(entry.serve_mode == ServeMode.NO for entry in pool.pool)
            assert bool(records) or drained or not row.active
            if not self.states()[region.region_code].in_failover:
                assert len(records) <= pool.ep
        if row.active:
            assert self.live() == self.decided(row)

    def decided(self, row: models.Service) -> Answers:
        """What the decision says of all that is known now."""
        known, states = load({row.pk: row})[row.pk], self.states()
        waiting = {code for code, state in known.regions.items() if state.held}
        held = set() if row.value.auto_recover else waiting
        return {
            code: (
                _told(decision.status, states[code]),
                decision.serve_count,
                [[record.rdata_type, record.value, record.weight] for record in decision.records],
            )
            for code, decision in decide_service(row.value, known.facts, held).items()
        }


def _told(status: str, state: models.RegionState) -> str:
    """As reports have it; of a failover that nobody has looked at since, nothing."""
    if state.in_gap:
        return Status.UNK
    return "up" if status == Status.OK else status


@contextmanager
def undone() -> Iterator[None]:
    """Each example starts with an empty database."""
    with transaction.atomic(using=ALIAS):
        yield
        transaction.set_rollback(True, using=ALIAS)


@settings(
    max_examples=40,
    deadline=None,
    # Making a failing run shorter would take longer than a test may.
    phases=[Phase.reuse, Phase.generate],
    # Every example undoes what it did, so that they can share the test's database.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(value=valid_services, run=st.lists(events, min_size=3, max_size=15))
def test_a_random_run_is_replayed_from_its_records(db, value, run):
    with undone():
        life = Life(value)
        for event in run:
            life.happens(event)
            life.check_answers()
        for at, answers in life.answered.items():
            assert life.replayed(at) == answers
        serials = [record.serial for record in reports.log_report(life.key, 0, int(life.now))[0]]
        assert serials == sorted(serials)


@pytest.mark.parametrize("mode", ServeMode)
def test_every_serve_mode_survives_a_night(db, mode):
    """A fixed run, to see what the random one walks through."""
    pool = (PoolEntry(ADDRESSES[0], serve_mode=mode), PoolEntry(ADDRESSES[1]))
    life = Life(builders.service(region=(builders.region(pool=pool, ep=2),)))
    up, down = EntryStatus.UP, EntryStatus.DOWN
    night: list[Event] = [
        ("probe", {ADDRESSES[0]: up, ADDRESSES[1]: up}),
        ("probe", {ADDRESSES[0]: down}),
        ("probe", {ADDRESSES[0]: up}),
        ("recover_address", ADDRESSES[0]),
        ("silence", None),
    ]
    served = []
    for event in night:
        life.happens(event)
        served.append(ADDRESSES[0] in [value for _, value, _ in life.live()["global"][2]])
    expected = {
        ServeMode.ALWAYS: [True, True, True, True, True],
        ServeMode.OBEY: [True, False, True, True, True],
        ServeMode.REMOVE: [True, False, False, True, True],
        ServeMode.NO: [False, False, False, False, False],
    }
    assert served == expected[mode]
