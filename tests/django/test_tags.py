"""How templates show a moment, a sign and a value."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views import defaults

from dashboard.templatetags.rttm import age_words, dotted, field_words, said, sign, whole, words
from tests.pages import parse
from tests.pages import words as words_of


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"),
        (48 * 3600 - 1, "47 h"), (48 * 3600, "2 d"), (1_000_000, "11 d"),
    ],
)  # fmt: skip
def test_age_is_told_in_the_largest_unit_that_still_says_something(seconds, told):
    assert age_words(seconds) == told


def drawn(tag, **context):
    return Template(f"{{% load rttm %}}{{% {tag} %}}").render(Context(context))


def test_ago_carries_the_exact_time_in_the_zone_of_the_reader(viewer):
    viewer.time_zone = "Europe/Berlin"
    moment = datetime(2026, 7, 1, 12, 0, 5, 750_000, tzinfo=UTC)
    text = drawn("ago moment", moment=moment, user=viewer)
    assert 'title="2026-07-01 14:00:05 CEST"' in text
    assert 'datetime="2026-07-01T12:00:05.750+00:00"' in text
    assert drawn("exact moment", moment=moment).count("2026-07-01 12:00:05 UTC") == 1


@pytest.mark.parametrize(("age", "is_stale"), [(59, False), (62, True)])
def test_ago_is_marked_stale_beyond_its_limit(age, is_stale):
    moment = timezone.now() - timedelta(seconds=age)
    text = drawn("ago moment stale_after=60", moment=moment)
    assert ('class="stale"' in text) is is_stale
    assert 'data-stale-after="60"' in text


def test_moment_that_never_was_is_a_dash():
    assert drawn("ago moment", moment=None) == drawn("exact moment", moment=None) == "–"


def test_sign_is_shape_and_word_together():
    assert words_of(parse(HttpResponse(sign("unk")))) == "unknown"
    assert 'href="#sign-failover"' in sign("failover")
    assert 'class="visually-hidden">failover' in sign("failover", "")


def test_word_of_a_backend_that_we_do_not_know_is_shown_as_text():
    assert "&lt;b&gt;" in sign("<b>")
    assert 'href="#sign-unk"' in sign("<b>")


@pytest.mark.parametrize(
    ("value", "told"),
    [(True, "yes"), (False, "no"), (0, "0"), ("", "nothing"), (None, "nothing"), ([], "nothing"),
     (["ip", "svc"], "ip, svc"), ("web_1", "web_1")],
)  # fmt: skip
def test_stored_value_is_said_as_a_person_would(value, told):
    assert words(value) == told


def test_only_a_long_word_may_be_broken():
    assert whole("rack 4, behind the door") == "rack 4, behind the door"
    text = whole(f"at <b> {'x' * 10_000}, too")
    assert text == f'at &lt;b&gt; <span class="long">{"x" * 10_000},</span> too'


@pytest.mark.parametrize("url", ["/", "/services/1/"])
def test_page_for_a_mistake_of_ours_needs_nothing_that_could_be_broken(url):
    response = defaults.server_error(RequestFactory().get(url))
    assert response.status_code == 500
    assert "DNS is not affected" in words_of(parse(response))


def test_backends_words_lose_the_names_of_its_calls():
    told = "recoverip: 192.0.2.1 is down; recoverip: Asia stays in failover: 0 available"
    assert said(told) == "192.0.2.1 is down; Asia stays in failover: 0 available"
    assert said("nothing: to see here") == "nothing: to see here"


def test_name_is_broken_after_its_dots_only():
    assert dotted("a-b.example.com") == "a-b.<wbr>example.<wbr>com"
    assert dotted("<b>.com") == "&lt;b&gt;.<wbr>com"


def test_problem_names_its_field_as_a_person_writes_it():
    assert field_words("serve_count must be at most ep.") == "serve count must be at most ep."
    assert field_words("web_1 is already in this pool.") == "web_1 is already in this pool."
    drawn = Template("{% load rttm %}{{ told|field_words }}")
    safe, typed = SafeString("failover_data <b>"), "failover_data <b>"
    assert drawn.render(Context({"told": safe})) == "failover data <b>"
    assert drawn.render(Context({"told": typed})) == "failover data &lt;b&gt;"


def test_refused_page_says_why_and_that_nothing_changed():
    error = PermissionError("Your role reads only.")
    response = defaults.permission_denied(RequestFactory().get("/"), error)
    assert response.status_code == 403
    assert "Your role reads only. Nothing was changed." in words_of(parse(response))
