"""What a response means: the body's status first, and the errors as sentences."""

import json
import pickle

import pytest

from rttm.client import (
    Busy,
    JobPending,
    RateLimited,
    Rejected,
    Reply,
    Response,
    Unauthorised,
    Unavailable,
    answer,
    calls,
    refusal,
)
from rttm.client.envelope import FIELDS, Job, Message, open_envelope, outcome, problems
from rttm.core.rules import Problem
from rttm.core.schema import ServiceKey

KEY = ServiceKey("example.com", "www.example.com")
CALL = calls.pool_entry_update(KEY, "global", "192.0.2.1", {"weight": 9})
ENTRY = {"address": "192.0.2.1", "weight": 9}
DONE = {"INFO": "update: Update successful", "SOURCE": "BLL", "ERR_CD": None, "LVL": "INFO"}


def outcome_of(response: Response):
    return outcome(CALL, response)


def refused(response: Response) -> Rejected:
    with pytest.raises(Rejected) as caught:
        outcome_of(response)
    return caught.value


def test_success_gives_the_value_and_the_backends_own_words():
    reply = outcome_of(answer(ENTRY, DONE, job_id=4300001))
    assert isinstance(reply, Reply)
    assert reply.value.weight == 9
    assert reply.messages == (Message("INFO", "", "update: Update successful"),)
    assert (reply.words, reply.job_id) == ("update: Update successful", "4300001")


@pytest.mark.parametrize(
    "body",
    [
        [{"status": "success", "data": ENTRY}],
        {"status": "SUCCESS", "data": ENTRY, "msgs": None},
        {"status": "success", "data": ENTRY, "msgs": ["text", {}, None], "job_id": None},
    ],
)
def test_an_odd_but_clear_envelope_is_read(body):
    reply = outcome_of(Response(200, json.dumps(body).encode()))
    assert reply.value.address == "192.0.2.1"


def test_the_level_is_read_under_both_of_its_names():
    body = {"status": "failure", "msgs": [{"INFO": "a", "LEVEL": "error"}, {"INFO": "b"}]}
    assert [m.level for m in open_envelope(json.dumps(body).encode()).messages] == ["ERROR", ""]


@pytest.mark.parametrize("http", [200, 500])
def test_the_status_in_the_body_counts_more_than_the_http_status(http):
    assert outcome_of(answer(ENTRY, http=http)).value.weight == 9
    assert refused(refusal("weight: Too heavy", http=http)).problems[0].field == "weight"


def test_an_answer_whose_data_cannot_be_read_may_have_been_carried_out():
    with pytest.raises(Unavailable, match="there is no pool entry") as caught:
        outcome_of(answer({}))
    assert caught.value.sent


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(502, b"<html>Bad Gateway</html>"), "HTTP 502 without an envelope"),
        (Response(200, b""), "HTTP 200 without an envelope"),
        (Response(200, b"[]"), "HTTP 200 without an envelope"),
        (Response(200, b'"success"'), "HTTP 200 without an envelope"),
        (Response(200, b"[" * 100_000), "HTTP 200 without an envelope"),
        (Response(200, b"\xff\xfe{"), "HTTP 200 without an envelope"),
        (Response(404, b"nothing here"), "HTTP 404 without an envelope"),
        (Response(307, b"", {"location": "http://127.0.0.1/elsewhere"}), "points to nowhere"),
        (Response(307, b""), "points to nowhere"),
        (Response(200, b'{"status": "dancing", "data": {}}'), "“dancing”"),
    ],
)
def test_what_is_no_answer_leaves_open_whether_it_was_carried_out(response, reason):
    with pytest.raises(Unavailable, match=reason) as caught:
        outcome_of(response)
    assert caught.value.sent
    assert "may have been carried out" in str(caught.value)


@pytest.mark.parametrize(
    "location",
    [
        "/REST/Job/17",
        "/REST/Job/17/",
        "http://127.0.0.1:8053/REST/Job/17",
        "https://evil.example.net/REST/Job/17/",
    ],
)
def test_a_redirect_names_a_job_and_never_a_host(location):
    assert outcome_of(Response(307, location.encode(), {"location": location})) == Job("17")


@pytest.mark.parametrize("messages", [None, [], [{"INFO": "queued", "LVL": "INFO"}]])
@pytest.mark.parametrize("status", ["incomplete", "running"])
def test_an_unfinished_answer_is_a_job(status, messages):
    body = {"status": status, "data": None, "job_id": 17, "msgs": messages}
    assert outcome_of(Response(200, json.dumps(body).encode())) == Job("17")


BLOCKED = "zone: Operation blocked by current task"
OTHER_JOB = "token: This session already has a job running"


@pytest.mark.parametrize(
    "response",
    [
        refusal(BLOCKED, "ILLEGAL_OPERATION"),
        Response(400, b"[" + refusal(BLOCKED, "ILLEGAL_OPERATION").body + b"]"),
        Response(400, refusal(OTHER_JOB).body.replace(b'"failure"', b'"running"')),
        refusal(OTHER_JOB, "OPERATION_FAILED"),
    ],
)
def test_work_in_the_way_means_that_nothing_was_done(response):
    with pytest.raises(Busy) as caught:
        outcome_of(response)
    assert not caught.value.sent


@pytest.mark.parametrize(
    "response",
    [
        Response(429, b""),
        Response(429, b"slow down"),
        refusal("rate: Too many calls", "RATE_LIMIT_EXCEEDED", http=429),
        refusal("rate: Too many calls", "RATE_LIMIT_EXCEEDED", http=400),
        refusal("rate: Too many calls", "OPERATION_FAILED", http=429),
    ],
)
def test_too_many_calls_are_told_apart_whatever_the_body(response):
    with pytest.raises(RateLimited) as caught:
        outcome_of(response)
    assert not caught.value.sent


@pytest.mark.parametrize(
    "response",
    [
        refusal("login: Bad or expired credentials"),
        refusal("login: inactivity logout"),
        refusal("login: IP address does not match current session"),
        refusal("The Auth-Token HTTP header must be set to make this call", "INVALID_REQUEST"),
        refusal("Something else", http=401),
        Response(401, b""),
    ],
)
def test_an_ended_log_in_is_recognised(response):
    with pytest.raises(Unauthorised):
        outcome_of(response)


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "UNKNOWN_ERROR", "SERVICE_UNAVAILABLE"])
def test_a_failure_that_is_not_about_the_request_leaves_its_outcome_open(code):
    with pytest.raises(Unavailable, match="Something broke") as caught:
        outcome_of(refusal("get: Something broke", code))
    assert caught.value.sent


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("weight: Must be 1 to 15.", ("weight", "Must be 1 to 15.")),
        ("new_address: Taken", ("address", "Taken")),
        ("region[US West].ep: Too many", ("region[US West].ep", "Too many")),
        (
            "region[Asia].pool[192.0.2.1].weight: Too heavy",
            ("region[Asia].pool[192.0.2.1].weight", "Too heavy"),
        ),
        ("pool[192.0.2.1]: Odd", ("pool[192.0.2.1]", "Odd")),
        ("monitor.port: Must be: 1", ("monitor.port", "Must be: 1")),
        ("zone: No such zone", ("zone", "No such zone")),
        ("header: two\nlines", ("header", "two\nlines")),
        ("node: Node is not in the zone", ("", "node: Node is not in the zone")),
        ("update: Cannot", ("", "update: Cannot")),
        ("Out of order", ("", "Out of order")),
        ("weight:", ("", "weight:")),
        ("", ("", "")),
    ],
)
def test_a_message_is_put_beside_its_field_or_kept_whole(text, problem):
    (found,) = problems((Message("ERROR", "INVALID_DATA", text),))
    assert (found.field, found.message) == problem
    assert found.code == "invalid_data"


def test_a_long_message_without_a_field_is_read_quickly():
    text = "a." * 50_000
    assert problems((Message("ERROR", "", text),)) == [Problem("", "unknown", text)]


def test_every_configured_field_can_carry_a_problem():
    assert {"weight", "ep", "interval", "ttl", "address", "pool", "start_ts"} <= FIELDS
    assert not {"login", "token", "get", "update", "delete", "add", "node"} & FIELDS


def test_lines_that_only_name_the_operation_are_no_problems():
    error = {"INFO": "ttl: Too long", "ERR_CD": "INVALID_DATA", "LVL": "ERROR"}
    named = {"INFO": "update: Nothing was changed", "ERR_CD": None, "LVL": "INFO"}
    failure = refused(answer({}, error, named, status="failure", http=400))
    assert failure.problems == (Problem("ttl", "invalid_data", "Too long"),)
    alone = refused(answer({}, named, status="failure", http=400))
    assert alone.problems == (Problem("", "unknown", "update: Nothing was changed"),)


@pytest.mark.parametrize("telling", [{"ERR_CD": "INVALID_DATA", "LVL": "INFO"}, {"LVL": "WARN"}])
def test_a_line_with_a_code_or_of_another_level_is_a_problem(telling):
    named = {"INFO": "update: Nothing was changed", "ERR_CD": None, "LVL": "INFO"}
    failure = refused(answer({}, {"INFO": "ttl: Odd", **telling}, named, status="failure"))
    assert [problem.field for problem in failure.problems] == ["ttl"]


def test_a_failure_without_a_word_still_has_a_problem():
    failure = refused(answer({}, status="failure", http=400))
    assert failure.problems == (Problem("", "unknown", "HTTP 400 without a reason"),)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("INVALID_DATA", "Change it and try again."),
        ("NOT_FOUND", "Reload to see what it has."),
        ("TARGET_EXISTS", "Reload to see what it has."),
        ("PERMISSION_DENIED", "An administrator must widen"),
    ],
)
def test_a_refusal_names_the_object_and_what_to_do(code, advice):
    failure = refused(refusal("weight: Must be 1 to 15", code))
    assert failure.not_found == (code == "NOT_FOUND")
    assert str(failure).startswith(
        "The backend refused pool entry 192.0.2.1 in global of www.example.com: "
        f"weight: Must be 1 to 15. {advice}"
    )


ERRORS = [
    Rejected("service a", [Problem("", "not_found", "No such service")], {"NOT_FOUND"}),
    Unavailable("service a", "it took too long"),
    Unavailable("service a", "the connection was refused", sent=False),
    RateLimited("service a"),
    Busy("service a", "a task is running"),
    Unauthorised("service a", "wrong password"),
    JobPending("service a", "17"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_two_sentences_and_survives_a_process(error):
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
    assert "service a" in str(error)
    assert str(error).count(". ") >= 1
    assert str(error).endswith(".")


@pytest.mark.parametrize("error", ERRORS[2:6], ids=lambda error: type(error).__name__)
def test_what_was_certainly_not_carried_out_says_so(error):
    assert "Nothing was changed" in str(error)
