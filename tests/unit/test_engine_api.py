"""The pure parts of the engine's API: taking a call apart, and what a request asks for."""

from dataclasses import replace
from typing import Any

import pytest

from rttm.core import wire
from rttm.core.schema import Region
from rttm.engine.api import ApiCall, recovery, request, wanted
from rttm.engine.api.envelope import Failure
from tests import builders


def call(path: str = "/REST/RTTM/", body: bytes = b"", **fields: Any) -> ApiCall:
    return ApiCall("GET", path, **{"headers": {}, "query": {}, "client_ip": ""} | fields, body=body)


class TestNames:
    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("/REST/Zone", ["Zone"]),
            ("/REST/Zone/", ["Zone"]),
            ("/REST/RTTMRegion/z/f/US%20East/", ["RTTMRegion", "z", "f", "US East"]),
            ("/REST/a%2Fb/", ["a/b"]),
            ("/REST/", []),
        ],
    )
    def test_parts_are_decoded(self, path, found):
        assert request.names(path) == found

    @pytest.mark.parametrize("path", ["/", "", "/rest/Zone/", "/other/REST/", "/REST/a%00b/"])
    def test_anything_else_is_refused(self, path):
        with pytest.raises(Failure, match="There is no such resource"):
            request.names(path)


class TestArguments:
    def test_the_body_wins_over_the_query(self):
        asked = call(query={"detail": "Y", "a": "1"}, body=b'{"detail": "N"}')
        assert request.arguments(asked) == {"detail": "N", "a": "1"}

    @pytest.mark.parametrize("body", [b"", b"  \n", b"{}"])
    def test_no_arguments(self, body):
        assert request.arguments(call(body=body)) == {}

    @pytest.mark.parametrize(
        "body",
        [
            *(b"{", b"[]", b'"text"', b"7", b"null", b"\xff\xfe", b'{"a": "\\ud800"}'),
            *(b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b'{"a": "\x00"}'),
            *(b'{"a": "\xed\xa0\x80"}', '{"a": "\\ud800"}'.encode("utf-16"), b'{"a": NaN}'),
            *(b'{"a": 1, "a": 2}', b'{"a": [{"b": 1, "b": 1}]}', b'{"a": -Infinity}'),
        ],
    )
    def test_what_is_no_json_object_is_refused(self, body):
        with pytest.raises(Failure, match="body: The body"):
            request.arguments(call(body=body))

    def test_of_two_values_for_one_field_neither_is_taken(self):
        with pytest.raises(Failure, match="body: The body says weight twice"):
            request.arguments(call(body=b'{"weight": 3, "label": "", "weight": 4}'))

    def test_a_mark_of_the_byte_order_is_passed_over(self):
        assert request.arguments(call(body=b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}

    def test_a_whole_pair_of_surrogates_is_a_character(self):
        asked = call(body=b'{"a": "\\ud83d\\ude00"}')
        assert request.arguments(asked) == {"a": "\N{GRINNING FACE}"}


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        *(({"api-version": asked}, asked) for asked in ("2.3.1", "3.5.10", "3.7.13")),
        ({"api-version": "current"}, "3.7.13"),
        ({}, "3.7.9"),
    ],
)
def test_the_version_of_the_protocol_is_the_one_that_is_asked_for(headers, version):
    assert request.protocol_version(call(headers=headers)) == version


@pytest.mark.parametrize(
    "version",
    [
        *("", "x", "3", "3.", "3.7", "1.2.3.4", "1.2.3.4.5", "99999", "3.7.9\n", "-3.7.9"),
        *("3.7.14", "3.8.0", "4.0.0", "9.9.9", "0.9.9", "3.7.\u0669", "Current"),
    ],
)
def test_an_api_version_that_does_not_exist(version):
    with pytest.raises(Failure, match="There is no such API version"):
        request.protocol_version(call(headers={"api-version": version}))


@pytest.mark.parametrize(
    ("given", "is_good"),
    [
        *((0, True), (100, True), ("100", True), (101, False), (-1, False), ("soon", False)),
        *((1.5, False), (True, False), ([], False), (10**400, False), ("9" * 50, False)),
    ],
)
def test_times_are_seconds_until_the_latest(given, is_good):
    args = {"ts": given}
    if is_good:
        assert request.required_time(args, "ts", latest=100) == int(given)
    else:
        with pytest.raises(Failure, match="ts: ts must be"):
            request.required_time(args, "ts", latest=100)


@pytest.mark.parametrize("args", [{}, {"ts": None}, {"ts": ""}])
def test_a_missing_argument_is_named(args):
    with pytest.raises(Failure, match="ts: ts is required"):
        request.required_time(args, "ts", latest=100)


@pytest.mark.parametrize(
    ("raw", "asked"),
    [
        *((True, True), ("Y", True), ("true", True), (1, True), ("yes", True)),
        *((False, False), ("N", False), ("", False), (0, False), (None, False), ("no", False)),
    ],
)
def test_an_action_is_asked_for_in_many_ways(raw, asked):
    assert recovery.is_asked("recover", raw) is asked
    assert recovery.is_asked("recoverip", raw) is asked


@pytest.mark.parametrize("raw", [{}, [], [True], {"a": 1}, 2, -1, 1.0, "maybe", "\0", " "])
@pytest.mark.parametrize("action", ["activate", "deactivate", "recover", "recoverip"])
def test_an_action_is_not_asked_for_by_nonsense(action, raw):
    with pytest.raises(Failure, match=f"{action}: {action} must be true or false"):
        recovery.is_asked(action, raw)


@pytest.mark.parametrize("raw", [{}, [], [True], 2, 1.0, "maybe", " "])
def test_a_flag_is_not_raised_by_nonsense(raw):
    with pytest.raises(Failure, match="detail: detail must be Y or N"):
        request.optional_flag({"detail": raw}, "detail")


@pytest.mark.parametrize("raw", [{}, [], True, 1.5, "a\0"])
def test_a_text_is_no_object_and_has_no_nul(raw):
    with pytest.raises(Failure, match="name: name must be a text"):
        request.optional_text({"name": raw}, "name")


def test_recoverip_alone_is_asked_for_by_a_name_too():
    assert recovery.is_asked("recoverip", "192.0.2.1")
    with pytest.raises(Failure, match="recover: recover must be true or false"):
        recovery.is_asked("recover", "192.0.2.1")


GLOBAL = builders.region(ep=2, serve_count=2)
ASLEEP = Region("Asia", autopopulate=True)
OWN = builders.pool_entry("192.0.2.7", label="own")
WITH_OWN = replace(ASLEEP, pool=(OWN,), ep=3)
FIELDS = {"ep": 9, "pool": [{"address": "192.0.2.8"}], "weight": "?"}


def fields(problems: list[Any]) -> list[str]:
    return [problem.field for problem in problems]


class TestAutopopulate:
    """Y: other options are ignored. N: the own settings are back."""

    @pytest.mark.parametrize("present", [ASLEEP, WITH_OWN])
    def test_other_options_are_ignored_while_it_is_on(self, present):
        service = builders.service(region=(GLOBAL, present))
        region, problems = wanted.region_over(FIELDS, present, service)
        assert (region, problems) == (present, [])

    def test_options_that_make_no_sense_are_ignored_too(self):
        service = builders.service(region=(GLOBAL, ASLEEP))
        args = {"region": [wire.render_region(GLOBAL), {"region_code": "Asia", "ep": "many"}]}
        assert wanted.service_over(args, service) == (service, [])

    def test_switched_on_it_keeps_its_own_settings_asleep(self):
        present = replace(WITH_OWN, autopopulate=False)
        service = builders.service(region=(GLOBAL, present))
        region, problems = wanted.region_over({"autopopulate": "Y", **FIELDS}, present, service)
        assert (region, problems) == (WITH_OWN, [])

    def test_switched_off_its_own_settings_are_back(self):
        service = builders.service(region=(GLOBAL, WITH_OWN))
        region, problems = wanted.region_over({"autopopulate": "N"}, WITH_OWN, service)
        assert (region, problems) == (replace(WITH_OWN, autopopulate=False), [])

    def test_switched_off_without_a_pool_it_starts_with_a_copy_of_the_global_one(self):
        service = builders.service(region=(GLOBAL, ASLEEP))
        region, problems = wanted.region_over({"autopopulate": "N"}, ASLEEP, service)
        assert problems == []
        assert (region.pool, region.ep, region.serve_count) == (GLOBAL.pool, 2, 2)
        assert (region.failover_mode, region.failover_data) == ("global", "")

    def test_switched_off_with_a_pool_in_the_request_it_has_that(self):
        service = builders.service(region=(GLOBAL, ASLEEP))
        args = {"autopopulate": "N", "pool": [{"address": "192.0.2.8"}], "ep": 1}
        region, problems = wanted.region_over(args, ASLEEP, service)
        assert problems == []
        assert [entry.address for entry in region.pool] == ["192.0.2.8"]

    def test_the_same_holds_in_a_list_of_regions(self):
        service = builders.service(region=(GLOBAL, WITH_OWN))
        shown = {**wire.render_region(GLOBAL), "region_code": "Asia", "autopopulate": "Y"}
        args = {"region": [wire.render_region(GLOBAL), shown]}
        assert wanted.service_over(args, service) == (service, [])

    def test_a_region_created_with_it_has_nothing_of_its_own(self):
        service = builders.service(region=(GLOBAL,))
        args = {"region_code": "Asia", "autopopulate": "Y", **FIELDS}
        assert wanted.region_from(args, service) == (ASLEEP, [])

    def test_an_unknown_region_code_is_a_problem_all_the_same(self):
        args = {"region_code": "Mars", "autopopulate": "Y"}
        _, problems = wanted.region_from(args, builders.service())
        assert fields(problems) == ["region_code"]


def test_observed_fields_in_a_request_are_ignored():
    service = builders.service()
    args = wire.render_service(replace(service, status="failover", active=False, task_id="7"))
    assert wanted.service_over(args, service) == (service, [])


def test_a_field_that_made_no_sense_is_complained_of_once():
    args = {"region": "none", "contact_nickname": ["x"], "performance_monitor": 7}
    _, problems = wanted.service_from(args, "example.com", "www.example.com")
    assert sorted(fields(problems)) == ["contact_nickname", "performance_monitor", "region"]


@pytest.mark.parametrize(
    ("odd", "blamed"),
    [
        ({"ttl": 450, "monitor": {"interval": "x"}}, "monitor.interval"),
        ({"region": [{"region_code": "global", "ep": [], "epmc": 9}]}, "region[global].ep"),
        (
            {"region": [{"region_code": "global", "failover_mode": 5.0, "failover_data": "a"}]},
            "region[global].failover_mode",
        ),
    ],
)
def test_what_depends_on_a_field_that_made_no_sense_is_not_blamed(odd, blamed):
    _, problems = wanted.service_over(odd, builders.service())
    assert fields(problems) == [blamed]


def test_what_a_new_service_lacks_is_named():
    _, problems = wanted.service_from({}, "example.com", "www.example.com")
    missing = [problem.field for problem in problems if problem.code == "missing"]
    assert missing == ["contact_nickname", "performance_monitor", "region"]


@pytest.mark.parametrize(
    ("args", "has"), [({"ttl": 30}, True), ({"region": []}, True), ({"recover": True}, False)]
)
def test_whether_a_request_configures_anything(args, has):
    assert wanted.has_changes(args) is has
