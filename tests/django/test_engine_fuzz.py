"""Every field of every endpoint, with all that it takes and all that it refuses.

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
from tests.fields import MISSING, Example, Field

WITH_FIELDS = [
    pytest.param(endpoint, place, id=f"{endpoint.method} {endpoint.resource} {place.label}")
    for endpoint in ENDPOINTS
    for place in endpoint.places
]
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
def test_what_fields_refuse_is_named_and_changes_nothing(stage, endpoint, place):
    stage.all_hold(_refused(stage, endpoint, place, some) for some in _wrong(endpoint, place))
    stage.is_untouched()


def _wrong(endpoint: Endpoint, place: Place) -> Iterator[dict[str, Example]]:
    """Only changes of objects tell of all that is wrong at once."""
    several = place.together if endpoint.sets_an_object else []
    yield from _turns({field.name: field.refused for field in several})
    for field in place.fields:
        for example in field.refused if field not in several else ():
            yield {**_beside(field), field.name: example}


def _turns(examples: dict[str, list[Example]]) -> Iterator[dict[str, Example]]:
    """One of each field at a time, until all of all have been there."""
    for turn in range(max(map(len, examples.values()), default=0)):
        yield {name: some[turn % len(some)] for name, some in examples.items() if some}


def _beside(field: Field) -> dict[str, Example]:
    return {name: Example(value, value) for name, value in field.beside.items()}


# Of what is there already, any part can be changed.
@pytest.mark.parametrize(
    ("endpoint", "place"), [p for p in WITH_FIELDS if p.values[0].method == "POST"]
)
def test_what_has_to_be_there_is_asked_for(stage, endpoint, place):
    for field in place.fields:
        if field.is_required:
            with stage.undone():
                reply = stage.reply(endpoint, place.without(field.name))
                assert rows() == stage.rows
            assert {code for _, code in reply.errors} == {MISSING}
            assert all(_is_named(found, place, field.name) for found, _ in reply.errors)


def _refused(
    stage: Stage, endpoint: Endpoint, place: Place, some: dict[str, Example]
) -> str | None:
    args = place.call({name: example.sent for name, example in some.items()})
    with stage.undone():
        reply = stage.reply(endpoint, args)
        is_changed = rows() != stage.rows
    wanted = {(e.field or name, e.code) for name, e in some.items() if e.code}
    is_as_wanted = len({field for field, _ in reply.errors}) == len(wanted) and all(
        any(code == found and _is_named(field, place, name) for name, found in wanted)
        for field, code in reply.errors
    )
    if is_as_wanted and not is_changed:
        return None
    return f"{wanted} in {place.label} was to come of {args}: {reply} {is_changed=}"


def _is_named(field: str, place: Place, name: str) -> bool:
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
    yield from _turns({field.name: field.taken for field in place.together})
    for field in place.fields:
        for example in field.taken if field.is_alone else ():
            yield {**_beside(field), field.name: example}


def _taken(
    stage: Stage, endpoint: Endpoint, before: Any, asked: tuple[Place, dict[str, Example]]
) -> str | None:
    place, some = asked
    args = place.call({name: example.sent for name, example in some.items()})
    with stage.undone():
        reply = stage.reply(endpoint, args)
        if not reply.is_success:
            return f"{args} should be taken: {reply}"
        if not endpoint.sets_an_object:
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
