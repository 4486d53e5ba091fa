"""Every field of every endpoint, with all that it takes and all that it refuses, one at a time.

What is taken is what a read says afterwards, and nothing else has changed. What is refused is
refused in an envelope with a documented code that names the field, and nothing has changed.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from rttm.core.schema import OBSERVED
from rttm.core.wire import fields as wire_fields
from rttm.engine.api.dispatch import HANDLERS, JOB, LOG_IN
from tests.django.fuzzing import Stage, rows, staged
from tests.endpoints import ENDPOINTS, Endpoint, Place
from tests.fields import MISSING, Example

WITH_FIELDS = [
    pytest.param(endpoint, place, id=f"{endpoint.method} {endpoint.resource} {place.label}")
    for endpoint in ENDPOINTS
    for place in endpoint.places
]
OBJECTS = {"RTTM", "RTTMRegion", "RTTMRegionPoolEntry"}
CALLED = {"new_address": "address"}  # by a read


@pytest.fixture
def stage(settings, db) -> Stage:
    return staged(settings)


def test_every_route_of_the_engine_is_described():
    described = [(e.method, e.resource.lower(), len(e.names)) for e in ENDPOINTS]
    assert sorted(described) == sorted(map(tuple, {*HANDLERS, LOG_IN, JOB}))


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_every_field_that_the_engine_reads_is_described(method):
    service = next(e for e in ENDPOINTS if (e.method, e.resource) == (method, "RTTM"))
    described = [{field.name for field in place.fields} for place in service.places]
    inside = {"monitor", "performance_monitor", "region"}
    own, health, performance, region, entry = described
    assert own == set(wire_fields.SERVICE) | inside
    assert health == performance == set(wire_fields.MONITOR)
    assert region == set(wire_fields.REGION) | {"pool"}
    assert entry == set(wire_fields.ENTRY)


@pytest.mark.parametrize(("endpoint", "place"), WITH_FIELDS)
def test_what_a_field_refuses_is_named_and_changes_nothing(stage, endpoint, place):
    wrong = [
        (place.call({**field.beside, field.name: example.sent}), field, example)
        for field in place.fields
        for example in field.refused
    ]
    stage.all_hold(
        _refused(stage, endpoint, args, (example.code, place, example.field or field.name))
        for args, field, example in wrong
    )
    stage.is_untouched()


@pytest.mark.parametrize(("endpoint", "place"), WITH_FIELDS)
def test_what_has_to_be_there_is_asked_for(stage, endpoint, place):
    if endpoint.method != "POST":
        return  # of what is there already, any part can be changed
    needed = [field.name for field in place.fields if field.is_required]
    stage.all_hold(
        _refused(stage, endpoint, place.without(name), (MISSING, place, name)) for name in needed
    )
    stage.is_untouched()


def _refused(
    stage: Stage, endpoint: Endpoint, args: Any, wanted: tuple[str, Place, str]
) -> str | None:
    code, place, name = wanted
    with stage.undone():
        reply = stage.reply(endpoint, args)
        is_changed = rows() != stage.rows
    is_named = all(_names(field, place, name) for field, _ in reply.errors)
    if {found for _, found in reply.errors} == {code} and is_named and not is_changed:
        return None
    return f"{code} of {place.label}{name} was to come of {args}: {reply} {is_changed=}"


def _names(field: str, place: Place, name: str) -> bool:
    """What is odd in a key is in the label too, so only its end is known."""
    if name in ("address", "region_code"):
        return field == name or field.endswith(f"].{name}")
    return field in (f"{place.label}{name}", name if name in ("region", "login") else "")


@pytest.mark.parametrize(("endpoint", "place"), WITH_FIELDS)
def test_what_fields_take_is_what_a_read_says(stage, endpoint, place):
    before = stage.present(endpoint)
    stage.all_hold(_taken(stage, endpoint, before, (place, some)) for some in _together(place))


def _together(place: Place) -> Iterator[dict[str, Example]]:
    """Fields that do not depend on each other go in one call, to need fewer."""
    several = [field for field in place.fields if not field.is_alone]
    longest = max((len(field.taken) for field in several), default=0)
    for turn in range(longest):
        yield {f.name: f.taken[turn % len(f.taken)] for f in several if f.taken}
    for field in place.fields:
        for example in field.taken if field.is_alone else ():
            yield {field.name: example, **{k: Example(v, v) for k, v in field.beside.items()}}


def _taken(
    stage: Stage, endpoint: Endpoint, before: Any, asked: tuple[Place, dict[str, Example]]
) -> str | None:
    place, some = asked
    args = place.call({name: example.sent for name, example in some.items()})
    with stage.undone():
        reply = stage.reply(endpoint, args)
        if not reply.is_success:
            return f"{args} should be taken: {reply}"
        if endpoint.method == "GET" or endpoint.resource not in OBJECTS:
            return None
        after = stage.read_again(endpoint, reply.data)
    if after != reply.data:
        return f"{args}: the answer was {reply.data}, a read says {after}"
    wanted = place.call({CALLED.get(name, name): e.told for name, e in some.items()})
    if place.inside(wanted).get("autopopulate") == "Y":
        is_as_sent = place.inside(after)["autopopulate"] == "Y"  # all else is as in global
    else:
        is_as_sent = _configured(after) == _over(_configured(before), wanted)
    return None if is_as_sent else f"{args}: {before} became {after}"


def _configured(data: Any) -> Any:
    if isinstance(data, list):
        return [_configured(item) for item in data]
    if not isinstance(data, dict):
        return data
    return {key: _configured(value) for key, value in data.items() if key not in OBSERVED}


def _over(before: Any, changes: Any) -> Any:
    """The whole with changes in it, however deep."""
    if isinstance(changes, dict):
        return before | {key: _over(before.get(key), value) for key, value in changes.items()}
    if isinstance(changes, list):
        return [_over(old, new) for old, new in zip(before, changes, strict=True)]
    return changes


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.method == "GET" and e.places])
def test_arguments_in_the_query_are_read_in_the_same_way(stage, endpoint):
    for field in endpoint.places[0].fields:
        for example in field.examples:
            if isinstance(example.sent, str):
                query = {field.name: example.sent}
                reply = stage.reply(endpoint, None, query=query)
                assert (reply.is_failure, query) == (bool(example.code), query)


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.method == "GET" and e.places])
def test_details_are_given_when_asked_for_only(stage, endpoint):
    for field in endpoint.places[0].fields:
        for example in field.taken if field.name == "detail" else []:
            data = stage.reply(endpoint, {"detail": example.sent}).data
            assert {type(item) for item in data} <= {dict if example.told == "Y" else str}
