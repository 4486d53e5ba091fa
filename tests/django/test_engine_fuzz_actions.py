"""The orders in a change of a service: all ways to ask for one, and all that asks for nothing."""

from typing import Any

import pytest

from tests.django.fuzzing import Stage, rows, staged
from tests.endpoints import ENDPOINTS
from tests.fields import INVALID, MISSING, NO_ADDRESSES, NO_WORDS, NONSENSE, UNKNOWN

CHANGE = next(e for e in ENDPOINTS if (e.method, e.resource) == ("PUT", "RTTM"))
ACTIONS = ["activate", "deactivate", "recover", "recoverip"]
YES = [True, "Y", "y", "yes", "true", "TRUE", " Y ", "1", 1]
NO = [False, "N", "n", "no", "false", "0", 0, None, ""]
ODD = [*NONSENSE, *NO_WORDS, 2, -1, 1.0, 10**30, " ", "on", [True], ["Y"], "\u0661"]
ADDRESS = {"address": "192.0.2.3"}


@pytest.fixture
def stage(settings, db) -> Stage:
    return staged(settings)


def refused(stage: Stage, args: dict[str, Any], code: str, field: str) -> str | None:
    with stage.undone():
        reply = stage.reply(CHANGE, args)
        is_changed = rows() != stage.rows
    if reply.errors == [(field, code)] and not is_changed:
        return None
    return f"{code} of {field} was to come of {args}: {reply} {is_changed=}"


def told(stage: Stage, args: dict[str, Any]) -> str:
    """What was done, in a word."""
    with stage.undone():
        reply = stage.reply(CHANGE, args)
        assert reply.is_success, (args, reply)
        return str(reply.envelope["msgs"][0]["INFO"].split(": ")[0])


@pytest.mark.parametrize("action", ACTIONS)
def test_an_order_is_taken_in_every_way_of_saying_yes(stage, action):
    for yes in YES:
        beside = ADDRESS if action == "recoverip" else {}
        assert told(stage, {action: yes, **beside}) == action


@pytest.mark.parametrize("action", ACTIONS)
def test_no_order_is_taken_from_a_no(stage, action):
    for no in NO:
        assert told(stage, {action: no}) == "update"
    stage.is_untouched()


@pytest.mark.parametrize("action", ACTIONS)
def test_no_order_is_taken_from_nonsense(stage, action):
    stage.all_hold(refused(stage, {action: odd, **ADDRESS}, INVALID, action) for odd in ODD)
    stage.is_untouched()


def test_deactivated_says_a_read_afterwards(stage):
    with stage.undone():
        stage.reply(CHANGE, {"deactivate": "Y"})
        assert stage.send("GET", "RTTM", CHANGE.names).data["active"] == "N"
        stage.reply(CHANGE, {"activate": 1})
        assert stage.send("GET", "RTTM", CHANGE.names).data["active"] == "Y"


def test_the_address_to_recover_is_one_of_the_service(stage):
    for form in ("192.0.2.3", " 192.0.2.3", "192.0.2.3.", "192.0.2.1"):
        assert told(stage, {"recoverip": True, "address": form}) == "recoverip"
    wrong = [
        *((value, MISSING) for value in (None, "")),
        *((value, INVALID) for value in [5, True, *NONSENSE]),
        *((word, UNKNOWN) for word in [*NO_WORDS, *NO_ADDRESSES] if isinstance(word, str)),
    ]
    stage.all_hold(
        refused(stage, {"recoverip": True, "address": value}, code, "address")
        for value, code in wrong
    )


def test_an_order_comes_alone(stage):
    stage.all_hold(
        refused(stage, {action: True, **ADDRESS, **more}, INVALID, action)
        for action in ("activate", "deactivate", "recoverip")
        for more in ({"ttl": 30}, {"region": []}, {"monitor": {}}, {"ttl": {}})
    )
    stage.all_hold(
        [
            refused(stage, {"activate": True, "deactivate": True}, INVALID, "activate"),
            refused(stage, {"recover": True, "deactivate": True}, INVALID, "deactivate"),
            refused(stage, {"recover": True, "address": "192.0.2.3"}, INVALID, "address"),
        ]
    )


def test_a_change_shows_in_the_rows(stage):
    with stage.undone():
        stage.reply(CHANGE, {"ttl": 60})
        assert rows() != stage.rows
    stage.is_untouched()
