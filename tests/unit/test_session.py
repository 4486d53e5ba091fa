"""The conversation with a backend: log-ins, jobs, repeats and budgets, on a clock of our own."""

import logging
import threading
from collections.abc import Callable

import pytest

from rttm.client import (
    Busy,
    Credentials,
    Dynect,
    JobPending,
    RateLimited,
    Rejected,
    Request,
    Response,
    ScriptedTransport,
    TransportError,
    Unauthorised,
    Unavailable,
    answer,
    calls,
    refusal,
)
from rttm.core.schema import ServiceKey

KEY = ServiceKey("example.com", "www.example.com")
READ = calls.pool_entry(KEY, "global", "192.0.2.1")
WRITE = calls.pool_entry_update(KEY, "global", "192.0.2.1", {"weight": 9})
PATH = "/REST/RTTMRegionPoolEntry/example.com/www.example.com/global/192.0.2.1/"
SESSION = "/REST/Session/"
JOB = "/REST/Job/17/"
WHO = Credentials("acme", "ana", "s3cret")

ENTRY = answer({"address": "192.0.2.1", "weight": 9})
EXPIRED = refusal("login: Bad or expired credentials")
REFUSED = TransportError("the connection was refused", sent=False)
LOST = TransportError("the connection was cut")
TO_JOB = Response(307, b"/REST/Job/17", {"location": "/REST/Job/17"})
INCOMPLETE = answer(None, status="incomplete", job_id=17)
TOO_MANY = Response(429, b"")
IN_THE_WAY = refusal("zone: Operation blocked by current task", "ILLEGAL_OPERATION")


class Clock:
    """Time that passes only when somebody sleeps, or an answer takes its time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Talk:
    """A client over a script, with what went over the wire."""

    def __init__(self, *steps, budget: float = 20) -> None:
        self.clock = Clock()
        self.transport = ScriptedTransport(steps)
        clock = {"monotonic": self.clock.monotonic, "sleep": self.clock.sleep}
        self.dynect = Dynect(self.transport, WHO, budget=budget, **clock)

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [(request.method, request.path) for request in self.transport.sent]

    @property
    def tokens_sent(self) -> list[str | None]:
        return [request.headers.get("Auth-Token") for request in self.transport.sent]


def token(text: str) -> Response:
    return answer({"token": text})


def test_the_first_call_logs_in_and_later_ones_do_not():
    talk = Talk(("POST", SESSION, token("T")), ("PUT", PATH, ENTRY), ("GET", PATH, ENTRY))
    assert talk.dynect.run(WRITE).weight == 9
    assert talk.dynect.run(READ).weight == 9
    assert talk.tokens_sent == [None, "T", "T"]
    log_in, write, _ = talk.transport.sent
    assert log_in.json == {"customer_name": "acme", "user_name": "ana", "password": "s3cret"}
    assert write.json == {"weight": 9}
    assert write.headers["Content-Type"] == "application/json"


def test_a_reply_has_the_backends_own_words():
    said = {"INFO": "update: Update successful", "LVL": "INFO"}
    talk = Talk(("PUT", PATH, answer({"address": "192.0.2.1"}, said)))
    assert talk.dynect.reply(WRITE).words == "update: Update successful"


def test_an_ended_log_in_is_renewed_once_and_the_call_repeated():
    talk = Talk(
        *(("POST", SESSION, token("old")), ("PUT", PATH, EXPIRED)),
        *(("POST", SESSION, token("new")), ("PUT", PATH, ENTRY)),
    )
    assert talk.dynect.run(WRITE).weight == 9
    assert talk.tokens_sent == [None, "old", None, "new"]


def test_a_log_in_that_does_not_help_ends_in_unauthorised():
    talk = Talk(("GET", PATH, EXPIRED), ("GET", PATH, Response(401)))
    with pytest.raises(Unauthorised, match=r"pool entry 192\.0\.2\.1"):
        talk.dynect.run(READ)
    assert len(talk.sent) == 4
    assert talk.clock.slept == []


@pytest.mark.parametrize(
    "response",
    [refusal("login: Credentials you entered did not match"), refusal("user_name: Required")],
)
def test_refused_credentials_are_said_in_the_backends_words(response):
    talk = Talk(("POST", SESSION, response))
    with pytest.raises(Unauthorised, match="did not match|Required"):
        talk.dynect.run(READ)
    assert len(talk.sent) == 1


@pytest.mark.parametrize("failure", [REFUSED, LOST, Response(502, b"<html>"), INCOMPLETE])
def test_a_log_in_without_an_answer_means_that_the_call_was_not_carried_out(failure):
    talk = Talk(*[("POST", SESSION, failure)] * 2)
    with pytest.raises(Unavailable) as caught:
        talk.dynect.run(WRITE)
    assert not caught.value.sent
    assert "pool entry 192.0.2.1" in str(caught.value)
    assert talk.sent == [("POST", SESSION)] * 2


@pytest.mark.parametrize("call", [READ, WRITE])
def test_any_call_that_never_arrived_is_sent_again(call):
    talk = Talk((call.method, PATH, REFUSED), (call.method, PATH, ENTRY))
    assert talk.dynect.run(call).weight == 9
    assert talk.clock.slept == [0.2]


def test_a_call_that_twice_never_arrived_says_so():
    talk = Talk(*[("PUT", PATH, REFUSED)] * 2)
    with pytest.raises(Unavailable, match="refused") as caught:
        talk.dynect.run(WRITE)
    assert not caught.value.sent


@pytest.mark.parametrize("failure", [LOST, Response(502, b"<html>"), Response(200, b"{}")])
def test_a_read_whose_answer_was_lost_is_repeated_but_a_change_never(failure):
    reading = Talk(("GET", PATH, failure), ("GET", PATH, ENTRY))
    assert reading.dynect.run(READ).weight == 9
    writing = Talk(("PUT", PATH, failure))
    with pytest.raises(Unavailable, match="may have been carried out") as caught:
        writing.dynect.run(WRITE)
    assert caught.value.sent
    assert writing.sent[1:] == [("PUT", PATH)]


def test_a_lost_read_is_not_said_to_have_changed_anything():
    talk = Talk(*[("GET", PATH, LOST)] * 2)
    with pytest.raises(Unavailable, match="Nothing was changed"):
        talk.dynect.run(READ)


def test_a_lost_answer_about_a_job_leaves_open_what_the_job_did():
    talk = Talk(*[("GET", JOB, LOST)] * 2)
    with pytest.raises(Unavailable, match="may have been carried out") as caught:
        talk.dynect.run(calls.job(WRITE, "17"))
    assert caught.value.may_have_changed


def test_a_refusal_is_not_repeated():
    talk = Talk(("PUT", PATH, refusal("weight: Too heavy")))
    with pytest.raises(Rejected) as caught:
        talk.dynect.run(WRITE)
    assert [problem.field for problem in caught.value.problems] == ["weight"]


def test_too_many_calls_are_waited_for_while_the_budget_lasts():
    patient = Talk(*[("PUT", PATH, TOO_MANY)] * 2, ("PUT", PATH, ENTRY), budget=30)
    assert patient.dynect.run(WRITE).weight == 9
    assert patient.clock.slept == [5, 10]
    hurried = Talk(("PUT", PATH, TOO_MANY), budget=4)
    with pytest.raises(RateLimited):
        hurried.dynect.run(WRITE)
    assert hurried.clock.slept == []


def test_another_task_in_the_way_is_waited_for():
    talk = Talk(*[("PUT", PATH, IN_THE_WAY)] * 3, ("PUT", PATH, ENTRY))
    assert talk.dynect.run(WRITE).weight == 9
    assert talk.clock.slept == [1, 3, 7]
    stuck = Talk(*[("PUT", PATH, IN_THE_WAY)] * 3, budget=10)
    with pytest.raises(Busy, match="blocked by current task"):
        stuck.dynect.run(WRITE)


@pytest.mark.parametrize("started", [TO_JOB, INCOMPLETE])
def test_a_job_is_followed_by_get_until_it_is_done(started):
    talk = Talk(
        ("PUT", PATH, started), ("GET", JOB, TO_JOB), ("GET", JOB, INCOMPLETE), ("GET", JOB, ENTRY)
    )
    assert talk.dynect.run(WRITE).weight == 9
    assert talk.clock.slept == [0.5, 1, 2]
    assert [request.body for request in talk.transport.sent[2:]] == [b""] * 3


def test_a_redirect_to_another_host_is_asked_of_our_own():
    elsewhere = Response(307, b"", {"location": "https://evil.example.net/REST/Job/17"})
    talk = Talk(("PUT", PATH, elsewhere), ("GET", JOB, ENTRY))
    assert talk.dynect.run(WRITE).weight == 9


def test_a_failed_job_is_a_refusal_of_the_call():
    talk = Talk(("PUT", PATH, TO_JOB), ("GET", JOB, refusal("weight: Too heavy")))
    with pytest.raises(Rejected, match="Too heavy"):
        talk.dynect.run(WRITE)


@pytest.mark.parametrize(
    "hitch",
    [
        REFUSED,
        LOST,
        Response(500, b""),
        TOO_MANY,
        IN_THE_WAY,
        refusal("", "RATE_LIMIT_EXCEEDED"),
    ],
)
def test_a_hitch_while_following_a_job_never_repeats_the_call(hitch):
    talk = Talk(("PUT", PATH, TO_JOB), ("GET", JOB, hitch), ("GET", JOB, ENTRY))
    assert talk.dynect.run(WRITE).weight == 9
    assert talk.sent.count(("PUT", PATH)) == 1


def test_a_jobs_answer_counts_whatever_its_http_status():
    talk = Talk(("PUT", PATH, TO_JOB), ("GET", JOB, Response(500, ENTRY.body)))
    assert talk.dynect.run(WRITE).weight == 9


def test_a_jobs_unreadable_answer_leaves_its_outcome_open():
    talk = Talk(("PUT", PATH, TO_JOB), ("GET", JOB, Response(499, b"?")))
    with pytest.raises(Unavailable, match="may have been carried out"):
        talk.dynect.run(WRITE)


def test_a_job_that_outlasts_the_budget_is_named():
    talk = Talk(("PUT", PATH, TO_JOB), *[("GET", JOB, TO_JOB)] * 9, budget=20)
    with pytest.raises(JobPending, match="job 17") as caught:
        talk.dynect.run(WRITE)
    assert caught.value.job_id == "17"
    assert talk.clock.slept == [0.5, 1, 2, 3, 5, 5, 2.5]


def test_a_job_can_be_asked_for_later():
    talk = Talk(("GET", JOB, ENTRY))
    assert talk.dynect.run(calls.job(WRITE, "17")).weight == 9


def pending() -> tuple[Talk, JobPending]:
    """A client whose change became a job that outlasts the budget."""
    talk = Talk(("POST", SESSION, token("t0ken")), ("PUT", PATH, TO_JOB), budget=0.5)
    with pytest.raises(JobPending) as caught:
        talk.dynect.run(WRITE)
    return talk, caught.value


def test_a_job_is_asked_after_with_the_log_in_that_was_given_it():
    _, job = pending()
    other = Talk(("GET", JOB, TO_JOB), ("GET", JOB, ENTRY))
    with pytest.raises(JobPending):
        other.dynect.follow(calls.change("it"), job, budget=8)
    other.dynect.follow(calls.change("it"), job, budget=8)
    assert other.tokens_sent == ["t0ken", "t0ken"]


@pytest.mark.parametrize(
    ("ended", "error"),
    [
        (refusal("weight: Too heavy"), Rejected),
        (EXPIRED, Unavailable),
        (refusal("job: No such job", "NOT_FOUND", http=404), Unavailable),
        (LOST, JobPending),
    ],
)
def test_a_job_that_is_asked_after_says_what_became_of_it(ended, error):
    _, job = pending()
    with pytest.raises(error):
        Talk(("GET", JOB, ended)).dynect.follow(calls.change("it"), job, budget=8)


def test_a_log_in_with_a_running_job_is_used_for_nothing_else():
    talk, _ = pending()
    talk.transport.steps = [("POST", SESSION, token("new")), ("GET", PATH, ENTRY)]
    assert talk.dynect.run(READ).weight == 9
    assert talk.tokens_sent[-1] == "new"


def test_a_log_in_whose_change_got_no_answer_is_used_for_nothing_else():
    talk = Talk(("POST", SESSION, token("T")), ("PUT", PATH, LOST))
    with pytest.raises(Unavailable):
        talk.dynect.run(WRITE)
    talk.transport.steps = [("POST", SESSION, token("new")), ("GET", PATH, ENTRY)]
    assert talk.dynect.run(READ).weight == 9
    assert talk.tokens_sent[-1] == "new"


def test_the_token_of_a_running_job_is_in_no_message():
    _, job = pending()
    assert job.token == "t0ken"
    assert "t0ken" not in f"{job} {job!r}"


@pytest.mark.parametrize("gone", [EXPIRED, refusal("job: No such job", "NOT_FOUND", http=404)])
def test_a_job_that_was_lost_leaves_its_outcome_open(gone):
    talk = Talk(("PUT", PATH, TO_JOB), ("GET", JOB, gone))
    with pytest.raises(Unavailable, match="cannot be followed any more") as caught:
        talk.dynect.run(WRITE)
    assert caught.value.sent


def test_each_request_may_take_what_is_left_of_the_budget():
    clock = Clock()

    def backend(request: Request) -> Response | None:
        clock.now += 6
        return None if request.path == SESSION else ENTRY

    transport = ScriptedTransport(backend)
    dynect = Dynect(transport, WHO, budget=10, monotonic=clock.monotonic, sleep=clock.sleep)
    dynect.run(WRITE)
    assert [request.timeout for request in transport.sent] == [10, 4]
    dynect.run(WRITE, budget=3)
    assert transport.sent[-1].timeout == 3


def test_a_call_whose_log_in_took_all_the_time_is_not_sent():
    clock = Clock()

    def backend(request: Request) -> Response | None:
        clock.now += 10
        return None

    transport = ScriptedTransport(backend)
    dynect = Dynect(transport, WHO, budget=10, monotonic=clock.monotonic, sleep=clock.sleep)
    with pytest.raises(Unavailable, match="no time left") as caught:
        dynect.run(WRITE)
    assert not caught.value.sent
    assert len(transport.sent) == 1


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_one_call_runs_at_a_time_and_the_other_waits_no_longer_than_its_budget():
    entered, leave = threading.Event(), threading.Event()

    def backend(request: Request) -> Response | None:
        if request.method == "PUT":
            entered.set()
            assert leave.wait(10)
        return None if request.path == SESSION else ENTRY

    transport = ScriptedTransport(backend)
    dynect = Dynect(transport, WHO)
    first = in_thread(lambda: dynect.run(WRITE))
    assert entered.wait(10)
    with pytest.raises(Unavailable, match="other calls took all of its time") as caught:
        dynect.run(READ, budget=0.05)
    assert not caught.value.sent
    leave.set()
    first.join(10)
    assert [request.method for request in transport.sent] == ["POST", "PUT"]


def test_closing_logs_out_of_a_log_in_of_our_own():
    talk = Talk(("GET", PATH, ENTRY), ("DELETE", SESSION, answer({})))
    talk.dynect.run(READ)
    talk.dynect.close()
    talk.dynect.close()
    assert talk.sent[2:] == [("DELETE", SESSION)]


def test_closing_does_not_fail_when_the_backend_is_gone():
    talk = Talk(("GET", PATH, ENTRY), ("DELETE", SESSION, REFUSED))
    talk.dynect.run(READ)
    talk.dynect.close()
    assert talk.sent[-1] == ("DELETE", SESSION)


def test_closing_what_was_never_used_sends_nothing():
    talk = Talk()
    talk.dynect.close()
    assert talk.sent == []


def test_the_log_has_a_line_for_each_request_and_no_secret(caplog):
    caplog.set_level(logging.DEBUG, logger="rttm.client")
    talk = Talk(
        ("POST", SESSION, token("t0ken")), ("PUT", PATH, TO_JOB), ("GET", JOB, LOST),
        ("GET", JOB, ENTRY),
    )  # fmt: skip
    talk.dynect.run(WRITE)
    lines = [record.getMessage() for record in caplog.records if record.name == "rttm.client"]
    assert lines == [
        f"session_open: POST {SESSION} 200, 0 ms",
        f"pool_entry_update: PUT {PATH} 307, 0 ms",
        f"pool_entry_update job: GET {JOB} the connection was cut, 0 ms",
        f"pool_entry_update job: GET {JOB} 200, 0 ms",
    ]
    assert "s3cret" not in caplog.text + repr(talk.transport.sent)
    assert "t0ken" not in caplog.text + repr(talk.transport.sent)


def test_a_script_that_does_not_expect_a_request_fails():
    with pytest.raises(AssertionError, match="was not expected"):
        Talk().dynect.run(READ)


def test_a_budget_that_is_used_up_already_sends_nothing():
    talk = Talk()
    with pytest.raises(Unavailable, match="no time left"):
        talk.dynect.run(WRITE, budget=-1)
    assert talk.sent == []
