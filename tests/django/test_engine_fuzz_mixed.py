"""Many fields at once, good and bad: every bad one is named, no good one, and nothing is half done.

Last, JSON of any shape: whatever it is, an envelope as documented.
"""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.django.fuzzing import Stage, checked, rows, staged
from tests.endpoints import ENDPOINTS, Endpoint
from tests.fields import INVALID

TURNS = 30
WILD_TRIES = 12
TRY = settings(
    max_examples=WILD_TRIES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def stage(settings, db) -> Stage:
    return staged(settings)


def mixed(endpoint: Endpoint, rng: Random) -> tuple[dict[str, Any], set[str]]:
    """Arguments, and the fields in them that have to be blamed."""
    args: dict[str, Any] = {}
    blamed: set[str] = set()
    bad = rng.choice([0, 0.03, 0.3])
    for place in endpoint.places:
        args |= place.call({})
    for place in endpoint.places:
        for field in place.together:
            chance = rng.random()
            if field.taken and chance < 0.3:
                place.inside(args)[field.name] = rng.choice(field.taken).sent
            elif chance > 1 - bad:
                place.inside(args)[field.name] = rng.choice(field.refused).sent
                blamed.add(f"{place.label}{field.name}")
    return args, blamed


@pytest.mark.parametrize(
    "endpoint",
    [e for e in ENDPOINTS if e.sets_an_object],
    ids=lambda e: f"{e.method} {e.resource}",
)
def test_every_bad_field_is_named_and_no_good_one(stage, endpoint):
    rng = Random(endpoint.path)
    for _ in range(TURNS):
        args, blamed = mixed(endpoint, rng)
        with stage.undone():
            reply = stage.reply(endpoint, args)
            is_changed = rows() != stage.rows
        assert set(reply.errors) == {(field, INVALID) for field in blamed}, str(args)[:2000]
        assert not (blamed and is_changed), str(args)[:2000]


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
wild = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")
def test_of_any_json_at_all_comes_an_envelope(stage, endpoint):
    names = [field.name for place in endpoint.places for field in place.fields]
    known = st.sampled_from([*names, "detail", "status", "log", "address", "new_address"])

    @TRY
    @given(st.dictionaries(known, wild, max_size=4).map(json.dumps) | wild.map(json.dumps))
    def attempt(body: str) -> None:
        with stage.undone():
            reply = checked(stage.client.reply(endpoint.method, endpoint.path, body=body.encode()))
            if reply.is_failure or endpoint.method == "GET":
                assert rows() == stage.rows

    attempt()
