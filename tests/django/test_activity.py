"""The activity: every edit and action, newest first, findable by a word of it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from rttm.models import Action, Edit, LogReport
from tests import builders
from tests.converges import HTMX
from tests.pages import find, parse, words

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def service(mirrored):
    return mirrored(builders.service())


@pytest.fixture
def kept(service, operator):
    """Keep an edit or action some minutes after START."""

    def keep(model, minutes=0, **fields):
        common = {
            "service": service, "fqdn": service.fqdn, "actor": operator, "actor_name": "olga",
            "remote_address": "198.51.100.7", "created_at": START + timedelta(minutes=minutes),
        }  # fmt: skip
        return model.objects.create(**(common | fields))

    return keep


@pytest.fixture
def rows(client_as, viewer):
    def get(**query):
        drawn = parse(client_as(viewer).get(reverse("activity"), query))
        found = find(drawn, within="activity-list", tag="tbody")
        return [words(row) for row in found[0]] if found else []

    return get


def test_edits_and_actions_are_one_list_newest_first(rows, kept):
    kept(Edit, 1, verb="update", region_code="Asia", address="192.0.2.1")
    kept(Action, 2, verb="recover")
    kept(Edit, 3, verb="delete", region_code="Asia")
    what = [line.split("198.51.100.7 ")[1].split(" –")[0] for line in rows()]
    assert what == [
        "Deleted www.example.com Asia",
        "Recover www.example.com",
        "Changed www.example.com Asia 192.0.2.1",
    ]


def test_row_tells_who_when_from_where_before_after_and_outcome(rows, kept):
    kept(
        Edit, verb="update", region_code="Asia", address="192.0.2.1", outcome="rejected",
        before={"weight": 5, "serve_mode": "obey"}, after={"weight": 99, "serve_mode": "no"},
        message="weight must be a whole number from 1 to 15.",
    )  # fmt: skip
    assert rows() == [
        "2026-01-01 00:00:00 UTC olga 198.51.100.7 Changed www.example.com Asia 192.0.2.1 "
        "weight 5 → 99 serve mode obey → no rejected weight must be a whole number from 1 to 15."
    ]


def test_what_was_added_has_no_before_and_what_was_deleted_no_after(rows, kept):
    kept(Edit, 1, verb="create", after={"label": "", "autopopulate": True}, outcome="saved")
    kept(Edit, 0, verb="delete", before={"weight": 5}, outcome="saved")
    added, deleted = rows()
    assert "label nothing autopopulate yes saved" in added
    assert "weight 5 saved" in deleted


def test_action_shows_only_what_it_changed(rows, kept):
    kept(
        Action, verb="activate", state="succeeded",
        before={"active": "no", "status": "unk"}, after={"active": "yes", "status": "unk"},
    )  # fmt: skip
    assert "active no → yes done" in rows()[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [("olga", 2), ("192.0.2.1", 1), ("RECOVER", 1), ("refused", 1), ("198.51", 2), ("nobody", 0)],
)
def test_filter_finds_a_word_anywhere_in_a_row(rows, kept, text, found):
    kept(Edit, verb="update", address="192.0.2.1")
    kept(Action, verb="recover", message="connection refused")
    assert len(rows(text=text)) == found


def test_exact_times_are_in_the_zone_of_the_reader(rows, kept, viewer):
    viewer.time_zone = "America/New_York"
    viewer.save()
    kept(Action, verb="sync", service=None, fqdn="")
    assert rows()[0].startswith("2025-12-31 19:00:00 EST olga")


def test_what_anybody_typed_is_text_and_never_markup(client_as, viewer, kept):
    kept(Edit, verb="update", after={"label": "<script>x()</script>"}, message="<b>no</b>")
    page = client_as(viewer).get(reverse("activity")).content
    assert b"<script>x()" not in page
    assert b"&lt;script&gt;x()" in page
    assert b"<b>no</b>" not in page


def test_long_list_is_paged_and_keeps_its_filter(client_as, viewer, kept):
    for minute in range(51):
        kept(Action, minute, verb="recover")
    drawn = parse(client_as(viewer).get(reverse("activity"), {"text": "olga"}))
    assert len(find(drawn, within="activity-list", tag="tbody")[0]) == 50
    assert find(drawn, tag="a", rel="next")[0].get("href") == "?text=olga&page=2"
    drawn = parse(client_as(viewer).get(reverse("activity"), {"text": "olga", "page": 2}))
    assert len(find(drawn, within="activity-list", tag="tbody")[0]) == 1


def test_list_listens_to_actions_and_reads_itself_again_as_a_fragment(client_as, viewer, kept):
    kept(Action, verb="sync")
    page = client_as(viewer).get(reverse("activity"), {"text": "olga"})
    section = find(parse(page), id="activity-list")[0]
    assert section.get("hx-trigger").startswith("sse:actions")
    fragment = client_as(viewer).get(section.get("hx-get"), headers=HTMX)
    assert b"<html" not in fragment.content
    assert words(find(parse(fragment), id="activity-list")[0]) == words(section)


def test_log_report_is_reached_from_its_row(client_as, viewer, kept):
    action = kept(Action, verb="log_report")
    report = LogReport.objects.create(action=action, start=START, end=START)
    page = client_as(viewer).get(reverse("activity")).content.decode()
    assert reverse("log-report", args=[report.pk]) in page


def test_queries_do_not_grow_with_the_rows(client_as, viewer, kept, django_assert_num_queries):
    client = client_as(viewer)
    for minute in range(4):
        kept(Edit, minute, verb="update")
        kept(Action, minute, verb="recover")
    # session, user; number of rows, their keys, edits, actions; counts; sync
    with django_assert_num_queries(8):
        client.get(reverse("activity"))


def test_empty_list_says_whether_nothing_was_changed_or_nothing_matches(client_as, viewer, kept):
    url = reverse("activity")
    assert "Nobody has changed anything yet" in words(parse(client_as(viewer).get(url)))
    kept(Action, verb="sync")
    assert "Nothing matches" in words(parse(client_as(viewer).get(url, {"text": "zzz"})))


def test_stranger_is_sent_to_the_log_in_page(client_as):
    assert client_as(None).get(reverse("activity")).status_code == 302
