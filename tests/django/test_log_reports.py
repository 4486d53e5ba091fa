"""Log reports: asked for with a time span, shown when built, sent on as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from dashboard.forms.log_reports import FORMAT
from rttm import tasks
from rttm.core import rules
from rttm.core.schema import Record, ResponseSet
from rttm.core.wire import render_response_set
from rttm.models import Action, LogReport
from tests import builders
from tests.converges import HTMX
from tests.pages import find, parse, words

SPAN = {"start": "2026-01-01 00:00:00", "end": "2026-01-02 00:00:00", "zone": "UTC"}


@pytest.fixture(autouse=True)
def queued(monkeypatch):
    """The keys of the actions a worker was woken for."""
    keys: list[int] = []
    monkeypatch.setattr(tasks, "wake", lambda action: keys.append(action.pk))
    return keys


@pytest.fixture
def service(mirrored):
    return mirrored(builders.service())


@pytest.fixture
def report(service, operator):
    now = timezone.now()
    action = Action.objects.create(
        verb="log_report", service=service, fqdn=service.fqdn, actor=operator,
        actor_name="olga", created_at=now,
    )  # fmt: skip
    return LogReport.objects.create(action=action, start=now - timedelta(hours=1), end=now)


def built(report, rows=()):
    report.rows, report.built_at = list(rows), timezone.now()
    report.save()
    report.action.state = Action.State.SUCCEEDED
    report.action.save()


ROW = render_response_set(
    ResponseSet(
        "US East", "failover", 1767225600, "health", 1, (Record("A", "192.0.2.9", 1),),
        serial=7, user_name="=ana",
    )
)  # fmt: skip


def test_span_makes_a_report_and_wakes_a_worker(
    client_as, viewer, service, queued, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = client_as(viewer).post(reverse("log-report-add", args=[service.pk]), SPAN)
    report = LogReport.objects.get()
    assert response.status_code == 302
    assert response["Location"] == reverse("log-report", args=[report.pk])
    assert (report.start, report.end) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 2, tzinfo=UTC),
    )
    assert report.action.actor == viewer
    assert queued == [report.action.pk]


def test_span_is_meant_in_the_zone_it_names(client_as, viewer, service):
    viewer.time_zone = "Asia/Tokyo"
    viewer.save()
    url = reverse("log-report-add", args=[service.pk])
    assert words(find(parse(client_as(viewer).get(url)), id="id_zone")[0]) == "Asia/Tokyo UTC"
    client_as(viewer).post(url, SPAN | {"zone": "Asia/Tokyo"})
    assert LogReport.objects.get().start == datetime(2025, 12, 31, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"end": "2026-01-01 00:00:00"}, "end", "after the start"),
        ({"end": "2025-12-31"}, "end", "after the start"),
        ({"end": "2028-01-02"}, "end", "at most 366 days"),
        ({"start": "yesterday"}, "start", "YYYY-MM-DD HH:MM:SS"),
        ({"start": ""}, "start", "required"),
        ({"start": "2999-01-01", "end": "2999-01-02"}, "start", "future"),
        ({"start": "1969-01-01", "end": "1969-01-02"}, "start", "nothing from before"),
        ({"zone": "Europe/Paris"}, "zone", "not one of the available choices"),
    ],
)
def test_impossible_span_is_told_beside_its_field(client_as, viewer, service, change, field, said):
    response = client_as(viewer).post(reverse("log-report-add", args=[service.pk]), SPAN | change)
    assert response.status_code == 422
    drawn = parse(response)
    assert said in words(find(drawn, id=f"id_{field}_error")[0])
    wrong = find(drawn, id=f"id_{field}")[0]
    assert wrong.get("aria-invalid") == "true"
    assert f"id_{field}_error" in wrong.get("aria-describedby", "")
    assert wrong.get("value", SPAN["zone"]) == (SPAN | change)[field] or field == "zone"
    assert not LogReport.objects.exists()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_end_in_the_future_is_refused_in_the_zone_it_was_typed_in(client_as, viewer, service, zone):
    viewer.time_zone = zone
    viewer.save()
    now = timezone.now().astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    client, url = client_as(viewer), reverse("log-report-add", args=[service.pk])

    def ask(ahead: int):
        start, end = now - timedelta(hours=1), now + timedelta(seconds=ahead)
        span = {"start": f"{start:{FORMAT}}", "end": f"{end:{FORMAT}}", "zone": zone}
        return client.post(url, span)

    # A minute more, because the clock goes on while the test runs.
    refused = ask(rules.CLOCK_SLACK + 60)
    assert refused.status_code == 422
    problem = words(find(parse(refused), id="id_end_error")[0])
    assert problem.startswith("This is in the future. A report ends now at the latest: ")
    assert abs(datetime.fromisoformat(problem[-20:-1]) - now) < timedelta(minutes=1)
    assert not LogReport.objects.exists()
    assert ask(rules.CLOCK_SLACK // 2).status_code == 302
    assert LogReport.objects.get().end <= timezone.now()


def test_same_question_while_it_is_unfinished_is_the_same_report(
    client_as, viewer, operator, service
):
    url = reverse("log-report-add", args=[service.pk])
    first = client_as(viewer).post(url, SPAN)
    assert client_as(viewer).post(url, SPAN)["Location"] == first["Location"]
    assert client_as(operator).post(url, SPAN)["Location"] == first["Location"]
    Action.objects.update(state=Action.State.SUCCEEDED)
    assert client_as(viewer).post(url, SPAN)["Location"] != first["Location"]


def test_one_person_has_few_unfinished_reports_and_is_told_so_beside_the_form(
    client_as, viewer, operator, service, mirrored
):
    """However many services they are about."""
    urls = [
        reverse("log-report-add", args=[each.pk])
        for each in (service, mirrored(builders.service("other.example.com")))
    ]

    def ask(user, number: int):
        span = SPAN | {"start": f"2026-01-01 00:00:{number:02}"}
        return client_as(user).post(urls[number % 2], span)

    for number in range(rules.REPORTS_AT_ONCE):
        assert ask(viewer, number).status_code == 302
    refused = ask(viewer, 10)
    assert refused.status_code == 429
    assert (
        f"{rules.REPORTS_AT_ONCE} of your log reports are not finished yet, so this one was not "
        "begun. Ask again when one of them is finished."
    ) in words(find(parse(refused), role="alert", class_="problem")[0])
    assert ask(operator, 11).status_code == 302
    Action.objects.filter(actor=viewer).first().delete()
    assert ask(viewer, 10).status_code == 302


@pytest.mark.parametrize(("asked", "hours"), [("1", 1), ("168", 168), ("9999", 24), ("x", 24)])
def test_preset_fills_the_span_until_now(client_as, viewer, service, asked, hours):
    url = reverse("log-report-add", args=[service.pk])
    drawn = parse(client_as(viewer).get(url, {"hours": asked}))
    start, end = (
        datetime.fromisoformat(find(drawn, id=f"id_{name}")[0].get("value"))
        for name in ("start", "end")
    )
    assert end - start == timedelta(hours=hours)
    assert abs(end - timezone.now().replace(tzinfo=None)) < timedelta(minutes=1)


def test_unfinished_report_looks_for_its_table_until_it_is_there(client_as, viewer, report):
    url = reverse("log-report-table", args=[report.pk])
    page = parse(client_as(viewer).get(reverse("log-report", args=[report.pk])))
    table = find(page, id=f"log-report-{report.pk}")[0]
    assert table.get("hx-trigger") == f"sse:action-{report.action.pk}, every 2s"
    assert table.get("hx-get") == url
    assert "Being built" in words(table)
    built(report, [ROW])
    table = find(parse(client_as(viewer).get(url, headers=HTMX)), id=f"log-report-{report.pk}")[0]
    assert table.get("hx-trigger") is None
    assert "2026-01-01 00:00:00 UTC US East failover health 192.0.2.9 1 =ana 7" in words(table)


def test_region_that_is_well_has_one_word_on_every_page(client_as, viewer, report):
    built(report, [{**ROW, "region_status": "up"}])
    client = client_as(viewer)
    page = parse(client.get(reverse("log-report", args=[report.pk])))
    assert "US East ok health" in words(page)
    told = client.get(reverse("log-report-csv", args=[report.pk])).content.decode()
    assert "US East,health,up" in told  # the backend's word, for who sends it on


def test_table_read_again_is_the_table_of_a_newly_drawn_page(client_as, viewer, report):
    built(report, [ROW])
    name = f"log-report-{report.pk}"
    page, part = (
        parse(client_as(viewer).get(reverse(view, args=[report.pk])))
        for view in ("log-report", "log-report-table")
    )
    assert words(find(page, id=name)[0]) == words(find(part, id=name)[0])


def test_report_without_records_says_that_nothing_changed(client_as, viewer, report):
    built(report)
    page = client_as(viewer).get(reverse("log-report", args=[report.pk]))
    assert "Nothing changed in this span" in words(parse(page))


def test_report_as_long_as_any_can_be_warns_that_it_may_be_cut(client_as, viewer, report):
    report.is_cut = True
    built(report, [ROW])
    page = client_as(viewer).get(reverse("log-report", args=[report.pk]))
    assert "may have had more" in words(parse(page))


def test_failed_report_says_why_and_offers_another(client_as, viewer, report, service):
    report.action.state, report.action.message = Action.State.FAILED, "Connection refused."
    report.action.finished_at = timezone.now()
    report.action.save()
    drawn = parse(client_as(viewer).get(reverse("log-report", args=[report.pk])))
    table = find(drawn, id=f"log-report-{report.pk}")[0]
    assert "Connection refused." in words(table)
    assert table.xpath(".//a/@href") == [reverse("log-report-add", args=[service.pk])]


def test_csv_is_named_for_what_is_in_it_and_safe_in_a_spreadsheet(client_as, viewer, report):
    built(report, [ROW])
    response = client_as(viewer).get(reverse("log-report-csv", args=[report.pk]))
    span = f"{report.start:%Y%m%dT%H%M%SZ}-{report.end:%Y%m%dT%H%M%SZ}"
    name = f'attachment; filename="log-www.example.com-{span}.csv"'
    assert response["Content-Disposition"] == name
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    heading, row = response.content.decode().splitlines()
    assert heading == "time_utc,region,change,status,served,serve_count,user,serial"
    assert row == "2026-01-01 00:00:00,US East,health,failover,192.0.2.9,1,'=ana,7"


@pytest.mark.parametrize("first", "=+-@\t\r\n＝＋－＠")
def test_no_cell_of_a_csv_is_a_formula(client_as, viewer, report, first):
    built(report, [{**ROW, "user_name": f"{first}1+1"}])
    response = client_as(viewer).get(reverse("log-report-csv", args=[report.pk]))
    [_, row] = csv.reader(io.StringIO(response.content.decode(), newline=""))
    assert row[6] == f"'{first}1+1"


def test_there_is_no_csv_before_the_report_is_built(client_as, viewer, report):
    response = client_as(viewer).get(reverse("log-report-csv", args=[report.pk]))
    assert response.status_code == 404


def test_list_shows_reports_and_leads_to_the_form_of_a_service(client_as, viewer, report, service):
    client = client_as(viewer)
    drawn = parse(client.get(reverse("log-reports")))
    assert service.fqdn in words(find(drawn, id="log-report-list")[0])
    assert find(drawn, id="log-report-list")[0].get("hx-trigger").startswith("sse:actions")
    chosen = client.get(reverse("log-reports"), {"service": service.pk})
    assert chosen["Location"] == reverse("log-report-add", args=[service.pk])
    assert client.get(reverse("log-reports"), {"service": "٣"}).status_code == 302
    fragment = client.get(reverse("log-reports"), headers=HTMX)
    assert b"<html" not in fragment.content


def test_list_costs_the_same_however_many_reports_there_are(
    client_as, viewer, report, django_assert_num_queries
):
    client = client_as(viewer)
    for _ in range(3):
        action = Action.objects.get(pk=report.action.pk)
        action.pk = None
        action.save()
        LogReport.objects.create(action=action, start=report.start, end=report.end)
    # session, user; number of reports, reports; services to choose from; counts; sync
    with django_assert_num_queries(7):
        client.get(reverse("log-reports"))


def test_stranger_sees_nothing_and_starts_nothing(client_as, report, service):
    client = client_as(None)
    urls = [reverse("log-reports"), reverse("log-report-add", args=[service.pk])]
    urls += [
        reverse(name, args=[report.pk])
        for name in ("log-report", "log-report-table", "log-report-csv")
    ]
    for url in urls:
        assert client.get(url)["Location"].startswith(reverse("login"))
    assert client.post(urls[1], SPAN).status_code == 302
    assert LogReport.objects.count() == 1
