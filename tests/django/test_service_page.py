"""The service page: what it tells, to whom, and what it costs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from rttm import sync
from rttm.core.schema import HealthMonitor, LogEntry, Record, Region, ResponseSet
from rttm.models import PoolEntry as Entry
from rttm.models import Service
from tests.builders import region, service
from tests.converges import HTMX
from tests.found import absorb, answers
from tests.pages import find, parse, words

ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def row(mirrored):
    first = region("global", ONE, TWO, THREE, ep=2, apmc=3)
    return mirrored(service(region=(first, region("Asia", ONE, TWO))))


@pytest.fixture
def url(row):
    return f"/services/{row.pk}/"


def the_row(page, address):
    return next(r for r in find(page, tag="tr") if find_in(r, address))


def find_in(row, address):
    return any(words(cell) == address for cell in row.findall("th"))


def in_failover(row):
    """Its regions, as a sync finds them then."""
    value = Service.objects.whole().get(pk=row.pk).value
    return tuple(replace(found, status="failover") for found in value.region)


def test_page_is_for_people_who_are_logged_in(client_as, url):
    response = client_as(None).get(url)
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")


@pytest.mark.parametrize("component", ["", "card/", "log/", "history/"])
def test_components_are_drawn_by_their_own_url(client_as, viewer, url, component):
    response = client_as(viewer).get(url + component, headers=HTMX)
    assert response.status_code == 200
    assert b"<html" not in response.content
    assert client_as(None).get(url + component).status_code == 302


def test_unknown_service_is_not_found(client_as, viewer):
    assert client_as(viewer).get("/services/9/").status_code == 404


def test_viewer_sees_everything_and_no_control(client_as, viewer, operator, url):
    controls = ("edit/", "delete/", "activate/", "recover/", 'add/"')
    seen = client_as(viewer).get(url).content.decode()
    offered = client_as(operator).get(url).content.decode()
    main = seen[seen.index("<main") :]
    assert ONE in main
    assert not [control for control in controls if control in main]
    assert "edit/" in offered
    assert "deactivate/" in offered


def test_service_gone_from_the_backend_says_since_when_and_offers_nothing(
    client_as, operator, row, url
):
    sync.absorb_gone(row.key, asked_at=timezone.now())
    page = client_as(operator).get(url).content.decode()
    assert "The backend no longer has this service." in page
    assert "edit/" not in page[page.index("<main") :]


def test_regions_come_in_the_fixed_order(client_as, viewer, mirrored):
    codes = ("Asia", "EU West", "US West", "global")
    row = mirrored(service("eight.example.com", region=tuple(region(code) for code in codes)))
    page = parse(client_as(viewer).get(f"/services/{row.pk}/"))
    shown = [words(head) for head in page.xpath("//section[contains(@class, 'region')]//h2")]
    assert shown == ["global", "US West", "EU West", "Asia"]


def test_row_tells_status_place_reason_and_evidence(client_as, viewer, row, url):
    timed_out = LogEntry("XXX", "down", "connect timed out after 10 s", 1_790_000_000)
    absorb(row, entries={TWO: {"status": "down", "log": (timed_out,)}, ONE: {"status": "up"}})
    answers(row, "global", ONE)
    page = parse(client_as(viewer).get(url))
    told = words(the_row(page, TWO))
    assert "down" in told
    assert "out: down connect timed out after 10 s" in told
    assert [words(cell) for cell in the_row(page, ONE)][:6] == [
        "up",
        ONE,
        "",
        "1",
        "obey",
        "served",
    ]


def test_sites_that_agree_speak_as_one_and_others_each_for_itself(client_as, viewer, row, url):
    at = 1_790_000_000
    frankfurt = LogEntry("FRA", "up", "HTTP 200 in 9 ms", at)
    london = LogEntry("LHR", "up", "HTTP 200 in 31 ms", at + 1)
    lost = LogEntry("LHR", "down", "connect refused", at + 1)
    absorb(row, entries={ONE: {"log": (frankfurt, london)}, TWO: {"log": (frankfurt, lost)}})
    page = parse(client_as(viewer).get(url))
    assert "HTTP 200 in 31 ms (and 1 more site)" in words(the_row(page, ONE))
    told = words(the_row(page, TWO))
    assert "FRA up: HTTP 200 in 9 ms" in told
    assert "LHR down: connect refused" in told
    assert "more site" not in told


def test_drained_entry_does_not_pass_off_the_age_of_its_status(client_as, viewer, url):
    long_ago = timezone.now() - timedelta(days=3)
    Entry.objects.update(status="down", status_since=long_ago)
    Entry.objects.filter(address=TWO).update(serve_mode="no")
    page = parse(client_as(viewer).get(url))
    assert words(the_row(page, ONE)[0]) == "down 3 d"
    assert words(the_row(page, TWO)[0]) == "drained"


def test_inactive_service_says_of_its_entries_that_they_stand_by(client_as, viewer, row, url):
    absorb(row, active=False, entries={TWO: {"status": "down"}})
    answers(row, "global")
    page = parse(client_as(viewer).get(url))
    assert "standby: the service is inactive" in words(the_row(page, ONE))
    assert not find(page, class_="is-close")


def test_inactive_service_offers_no_recover(client_as, operator, row, url):
    absorb(row, entries={TWO: {"status": "down"}})
    client = client_as(operator)
    assert "Recover service…" in words(parse(client.get(url)))
    assert f"Recover {TWO}" in words(parse(client.get(url)))
    absorb(row, active=False, entries={TWO: {"status": "down"}})
    page = words(parse(client.get(url)))
    assert "Recover service…" not in page
    assert f"Recover {TWO}" not in page
    confirm = parse(client.get(f"{url}recover/", headers=HTMX))
    assert "is inactive, and stays so" in words(confirm)


def test_rows_are_ordered_by_what_happens_to_them(client_as, viewer, row, url):
    absorb(row, entries={ONE: {"status": "down"}, TWO: {"status": "up"}, THREE: {"status": "up"}})
    answers(row, "global", THREE)
    page = parse(client_as(viewer).get(url))
    pool = page.xpath("//section[.//h2='global']//tbody/tr/th")
    assert [words(cell) for cell in pool] == [THREE, TWO, ONE]


def test_funnel_marks_a_region_that_one_more_loss_breaks(client_as, viewer, row, url):
    page = client_as(viewer).get(url).content.decode()
    assert page.count("One more address lost, and it fails over") == 1
    assert 'class="is-close"' in page
    # Amber is for what has lost something, not for what is small by intent.
    assert "has-lost" not in page
    absorb(row, region=(region("global", ONE, TWO, THREE, apmc=2),))
    absorb(row, entries={ONE: {"status": "down"}})
    assert "has-lost" in client_as(viewer).get(url).content.decode()


def test_region_in_failover_ends_in_its_target(client_as, viewer, row, url):
    absorb(row, region=in_failover(row), status="failover")
    page = parse(client_as(viewer).get(url))
    assert "serves instead 192.0.2.99" in words(find(page, class_="funnel")[0])
    assert "global, Asia answer from a failover target." in words(find(page, class_="service")[0])


def test_head_tells_what_clients_get_from_the_region_in_failover(client_as, viewer, row, url):
    asia = replace(row.regions.get(region_code="Asia").value, status="failover",
                   failover_mode="region", failover_data="global")  # fmt: skip
    absorb(row, region=(row.regions.get(region_code="global").value, asia), status="failover")

    def head():
        return words(find(parse(client_as(viewer).get(url)), class_="service")[0])

    assert "Asia answers from region global." in head()
    answers(row, "Asia", THREE)
    assert f"Asia answers from region global: {THREE}." in head()
    absorb(row, entries={ONE: {"status": "down"}})  # asked before this
    assert "Asia answers from region global." in head()


def test_region_that_answers_nothing_is_told_from_one_with_a_target(client_as, viewer, row, url):
    absorb(row, region=in_failover(row), status="failover")
    answers(row, "global")
    page = parse(client_as(viewer).get(url))
    told = words(find(page, class_="service")[0])
    assert "global answers nothing. Asia answers from 192.0.2.99." in told
    assert "serves instead nothing" in words(find(page, class_="funnel")[0])
    assert "Serves now nothing" in words(page)
    assert find(page, class_="serves")[0].xpath(".//b[contains(@class, 'nothing')]")


def test_loop_of_failovers_is_told_as_the_last_resort_everywhere(client_as, viewer, mirrored):
    """global fails over to EU West, that to Asia, and that to global: all three are short."""
    targets = {"global": "EU West", "EU West": "Asia", "Asia": "global"}
    short = {"failover_mode": "region", "status": "failover", "apmc": 3}
    loop = [region(code, ONE, failover_data=to, **short) for code, to in targets.items()]
    row = mirrored(service("loop.example.com"))
    absorb(row, region=loop, status="failover")
    told = words(parse(client_as(viewer).get(f"/services/{row.pk}/")))
    board = words(parse(client_as(viewer).get("/")))
    for code in targets:
        assert f"{code}: failover; 0 of 1 up; answers from its own pool as the last resort" in told
        assert f"{code}: failover; 0 of 1 up; answers from its own pool as the last resort" in board
    assert told.count("serves instead its own pool as the last resort") == 3
    assert "answers from region" not in told


def test_head_leads_to_each_address_that_is_down(client_as, viewer, row, url):
    absorb(row, entries={TWO: {"status": "down"}}, status="trouble")
    page = parse(client_as(viewer).get(url))
    [link] = page.xpath("//section[contains(@class, 'service')]//a[starts-with(@href, '#pool')]")
    assert words(link) == TWO
    assert words(find(page, id=link.get("href")[1:])[0].find("th")) == TWO


def test_strip_in_the_head_leads_to_each_region(client_as, viewer, row, url):
    failing = row.regions.get(region_code="Asia")
    absorb(row, region=(replace(failing.value, status="failover"),), status="failover")
    page = parse(client_as(viewer).get(url))
    cells = find(page, class_="strip")[0].findall("li")
    assert len(cells) == 8
    assert "Asia: failover; 0 of 2 up" in words(cells[7])
    assert cells[7].find("a").get("href") == f"#region-{failing.pk}"
    assert cells[1].find("a") is None
    assert "US West: no such region" in words(cells[1])


def test_answer_of_before_a_failover_is_not_taken_for_the_last_resort(client_as, viewer, row, url):
    answers(row, "global", ONE, TWO, THREE)
    gone_down = dict.fromkeys((ONE, TWO, THREE), {"status": "down"})
    absorb(row, entries=gone_down)
    failing = [replace(found, failover_mode="global") for found in in_failover(row)]
    absorb(row, region=failing, status="failover")
    told = words(parse(client_as(viewer).get(url)))
    assert "served as the last resort" not in told
    assert f"Served when last asked {ONE}" in told
    answers(row, "global", ONE, TWO, THREE)
    told = words(parse(client_as(viewer).get(url)))
    assert told.count("served as the last resort") == 3
    assert f"Serves now {ONE}" in told


def test_region_that_waits_for_a_recover_says_so(client_as, viewer, row, url):
    up = dict.fromkeys((ONE, TWO, THREE), {"status": "up"})
    absorb(row, entries=up, auto_recover=False)
    absorb(row, region=in_failover(row), status="failover")
    page = parse(client_as(viewer).get(url))
    assert "global, Asia wait for a recover" in words(find(page, class_="service")[0])
    assert words(page).count("Waits for a recover of the service") == 2
    absorb(row, auto_recover=True)
    assert "for a recover" not in words(parse(client_as(viewer).get(url)))


def test_value_outside_known_limits_is_marked_and_shown(client_as, viewer, row, url):
    absorb(row, entries={ONE: {"weight": 40}}, ttl=31)
    page = parse(client_as(viewer).get(url))
    marked = find(page, class_="odd")
    assert len(marked) == 3  # the address is in two regions, and the ttl
    assert "40" in words(the_row(page, ONE))


def test_autopopulated_region_says_so_and_has_no_pool_to_edit(client_as, operator, mirrored):
    filled = Region("Asia", autopopulate=True)
    row = mirrored(service("auto.example.com", region=(region(), filled)))
    page = parse(client_as(operator).get(f"/services/{row.pk}/"))
    [card] = page.xpath("//section[contains(@class, 'region')][.//h2='Asia']")
    assert "filled from the global region" in words(card)
    assert not card.xpath(".//table")


@pytest.mark.parametrize(
    ("monitor", "told"),
    [
        (
            HealthMonitor("HTTP", 1, 1, 10, 8080, "/health", expected="ok"),
            "HTTP /health on port 8080 every 1 min, 1 retry, 10 s time-out, expects “ok”",
        ),
        (HealthMonitor("TCP", 5, 0), "TCP every 5 min, no retries"),
        (HealthMonitor("NONE", 5), "none: nothing is probed"),
    ],
)
def test_monitor_is_told_in_words(client_as, viewer, mirrored, monitor, told):
    row = mirrored(service("m.example.com", monitor=monitor))
    page = parse(client_as(viewer).get(f"/services/{row.pk}/card/", headers=HTMX))
    assert told in [words(line) for line in page.iter("dd")]


def test_log_has_exact_times_and_who_changed_what(client_as, viewer, row, url):
    at = datetime(2026, 11, 23, 9, 31, 5, tzinfo=UTC)
    record = ResponseSet(
        "Asia", "up", int(at.timestamp()), "user", 1, (Record("A", ONE, 1),), 7, "olga"
    )
    sync.absorb_log(row, [record])
    [line] = find(parse(client_as(viewer).get(f"{url}log/", headers=HTMX)), tag="tr")[1:]
    told = [words(cell) for cell in line]
    assert told == ["2026-11-23 09:31:05 UTC", "Asia", "ok", "user", ONE, "olga"]


def test_list_of_regions_is_sent_again_only_when_one_came_or_went(client_as, viewer, row, url):
    client = client_as(viewer)
    [listed] = find(parse(client.get(url)), id=f"service-regions-{row.pk}")
    assert client.get(listed.get("hx-get"), headers=HTMX).status_code == 204
    row.regions.get(region_code="Asia").delete()
    assert client.get(listed.get("hx-get"), headers=HTMX).status_code == 200


def test_page_costs_the_same_queries_with_many_regions_and_entries(
    client_as, operator, mirrored, django_assert_max_num_queries
):
    codes = ("global", "US West", "US East", "EU West", "Asia")
    addresses = [f"192.0.2.{number}" for number in range(1, 21)]
    regions = tuple(region(code, *addresses) for code in codes)
    row = mirrored(service("big.example.com", region=regions))
    client = client_as(operator)
    with django_assert_max_num_queries(14):
        assert client.get(f"/services/{row.pk}/").status_code == 200


@pytest.mark.parametrize("component", ["regions/{region}/", "pool-entries/{entry}/"])
def test_component_costs_few_queries(
    client_as, operator, row, component, django_assert_max_num_queries
):
    entry = Entry.objects.select_related("region").first()
    path = "/" + component.format(region=entry.region_id, entry=entry.pk)
    client = client_as(operator)
    with django_assert_max_num_queries(8):
        assert client.get(path, headers=HTMX).status_code == 200


def test_what_is_asked_with_each_sync_is_so_also_before_this_sync_has_asked(
    client_as, viewer, mirrored
):
    """Drawn in between, the age would jump back by a whole interval."""
    row = mirrored(service())
    answers(row, "global", ONE)
    now = timezone.now()
    Service.objects.filter(pk=row.pk).update(answers_seen_at=now - timedelta(seconds=4))
    sync.absorb_success(asked_at=now)
    found = row.regions.first()
    drawn = parse(client_as(viewer).get(f"/regions/{found.pk}/", headers=HTMX))
    assert find(drawn, within=f"region-{found.pk}", tag="time", data_with_sync="")
