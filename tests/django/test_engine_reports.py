"""The engine's records: what the reports show, and how long."""

from dataclasses import replace

import pytest

from rttm.core.health import ProbeResult
from rttm.core.schedule import Kind
from rttm.core.schema import ServiceKey
from rttm.core.terms import EntryStatus
from rttm.engine import models, reports, store
from tests import builders, engine_client

NOW = 1_700_000_000.0
KEY = ServiceKey("example.com", "www.example.com")
DAY = 86_400


def create(at: float = NOW) -> models.Service:
    zone, _ = store.create_zone(KEY.zone)
    return store.create(zone, builders.service(), now=at, user_name="olga")


def set_serve_count(row: models.Service, count: int, at: float) -> None:
    value = row.value
    region = replace(value.region[0], serve_count=count)
    store.change(row, replace(value, region=(region,)), now=at, user_name="olga")


def counts(start: float, end: float) -> list[int]:
    return [record.serve_count for record in reports.log_report(KEY, int(start), int(end))[0]]


def test_the_log_shows_a_span_with_both_its_ends(db):
    row = create()
    for number in (2, 3, 4):
        set_serve_count(row, number, NOW + number)
    assert counts(NOW, NOW + 10) == [1, 2, 3, 4]
    assert counts(NOW + 2, NOW + 3) == [2, 3]
    assert counts(NOW + 5, NOW + 10) == []


def test_the_rrset_report_shows_what_was_valid_at_a_moment(db):
    row = create()
    set_serve_count(row, 2, NOW + 10)
    at = [reports.rrset_report(KEY, int(NOW) + late) for late in (-1, 0, 9, 10, 99)]
    assert [[record.serve_count for record in found] for found in at] == [[], [1], [1], [2], [2]]


def test_records_from_before_the_clock_was_set_back_hold_at_present_and_not_before(db):
    row = create()
    set_serve_count(row, 2, NOW + 30 * DAY)
    now = NOW + 100
    at = [reports.rrset_report(KEY, int(now) - ago, now=now) for ago in (60, 3, 0, -10)]
    assert [[record.serve_count for record in found] for found in at] == [[1], [2], [2], [2]]


def probe(row: models.Service, at: float) -> None:
    up = ProbeResult(EntryStatus.UP, "said")
    found = [
        store.RunResult(row.pk, row.version, address, Kind.HEALTH, up, at)
        for address in store.addresses(row.value)
    ]
    store.record_results(found, site_code="XXX", now=at)


def test_a_gap_in_probing_is_unknown_in_both_reports_from_the_last_result_to_the_next(db):
    row = create()
    probe(row, NOW + 60)
    store.expire(NOW + DAY, "XXX")  # the engine was off, and starts
    probe(row, NOW + DAY)
    log = reports.log_report(KEY, int(NOW), int(NOW) + DAY)[0]
    told = [(record.change_ts - int(NOW), record.region_status) for record in log]
    assert told == [(0, "unk"), (60, "up"), (60, "unk"), (DAY, "up")]
    for at, status in [(59, "unk"), (60, "unk"), (DAY // 2, "unk"), (DAY, "up")]:
        [record] = reports.rrset_report(KEY, int(NOW) + at)
        assert record.region_status == status
        assert record.values == ("192.0.2.1",)  # it went on answering


def test_a_log_that_is_too_long_is_cut_at_its_end_and_says_so(db, monkeypatch):
    row = create()
    for number in (2, 3):
        set_serve_count(row, number, NOW + number)
    monkeypatch.setattr(reports, "LOG_CAP", 2)
    found, is_cut = reports.log_report(KEY, int(NOW), int(NOW) + 10)
    assert [record.serve_count for record in found] == [1, 2]
    assert is_cut
    assert not reports.log_report(KEY, int(NOW), int(NOW) + 2)[1]


def test_the_answer_says_that_it_was_cut_and_how_to_go_on(settings, db, monkeypatch):
    client = engine_client.logged_in(settings)
    client.does("POST", engine_client.SERVICE, engine_client.WANTED)
    path = f"{engine_client.REGION}/global/"
    for count in (2, 3):
        client.now += 10
        client.does("PUT", path, {"serve_count": count})
    monkeypatch.setattr(reports, "LOG_CAP", 2)
    span = {"zone": KEY.zone, "fqdn": KEY.fqdn, "start_ts": 0, "end_ts": int(client.now)}
    first = client.hears("POST", "RTTMLogReport/", span)
    assert first == [
        "get: Found 2 records",
        "log: Only the first 2 records fit: go on at the last one's time",
    ]
    last = client.does("POST", "RTTMLogReport/", span)[-1]["change_ts"]
    rest = client.does("POST", "RTTMLogReport/", span | {"start_ts": last})
    assert [record["serve_count"] for record in rest] == ["2", "3"]
    assert len(client.hears("POST", "RTTMLogReport/", span | {"start_ts": last})) == 1


def test_records_outlive_their_service(db):
    row = create()
    store.delete(row, now=NOW + 10, user_name="olga")
    found, _ = reports.log_report(KEY, int(NOW), int(NOW) + 10)
    assert [record.region_status for record in found] == ["unk", "reg_remove"]
    assert reports.rrset_report(KEY, int(NOW) + 9)
    assert reports.rrset_report(KEY, int(NOW) + 10) == []
    assert reports.has_records(KEY)


def test_a_service_that_comes_again_goes_on_with_its_records(db):
    store.delete(create(), now=NOW + 10, user_name="olga")
    create(at=NOW + 20)
    assert len(reports.rrset_report(KEY, int(NOW) + 20)) == 1
    assert counts(NOW, NOW + 20) == [1, 1, 1]


def test_a_clock_that_was_set_back_does_not_mix_history(db):
    row = create()
    set_serve_count(row, 2, NOW - 500)
    assert counts(NOW, NOW) == [1, 2]
    assert reports.rrset_report(KEY, int(NOW))[0].serve_count == 2


@pytest.mark.parametrize(("days", "kept"), [(0, [1, 2, 3]), (89, [1, 2, 3]), (91, [2, 3])])
def test_old_records_are_dropped_but_those_still_valid_when_the_kept_time_begins(
    db, settings, days, kept
):
    settings.RETENTION_DAYS = 90
    row = create()
    set_serve_count(row, 2, NOW + 10)
    set_serve_count(row, 3, NOW + DAY * 5)
    reports.prune(NOW + 11 + days * DAY)
    assert counts(0, 2 * NOW) == kept


def test_a_record_is_old_only_after_the_kept_time(db, settings):
    settings.RETENTION_DAYS = 90
    set_serve_count(create(), 2, NOW + 10)
    reports.prune(NOW + 10 + 90 * DAY)
    assert counts(0, 2 * NOW) == [1, 2]
    reports.prune(NOW + 11 + 90 * DAY)
    assert counts(0, 2 * NOW) == [2]


def test_the_newest_record_is_never_dropped(db):
    create()
    reports.prune(NOW + 10_000 * DAY)
    assert counts(0, 2 * NOW) == [1]
