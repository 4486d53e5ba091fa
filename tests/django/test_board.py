"""The board: worst first, filtered by its URL, honest about ages, quiet about order."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from rttm import sync
from rttm.core.schema import Record, ResponseSet
from rttm.models import Service
from tests import builders
from tests.converges import HTMX
from tests.pages import find, parse, words

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def absorbed():
    """A mirrored service of a status, first seen some minutes before it was last seen."""

    def absorb(fqdn, status="ok", *, minutes=10, gone=False, **fields):
        value = builders.service(fqdn, status=status, **fields)
        at = timezone.now()
        row = sync.absorb_service(value, asked_at=at - timedelta(minutes=minutes))
        sync.absorb_unchanged([row.pk], asked_at=at)
        if gone:
            sync.absorb_gone(row.key, asked_at=at)
        row.refresh_from_db()
        return row

    return absorb


@pytest.fixture
def page(client_as, viewer):
    """The board as a viewer gets it, parsed."""

    def get(query="", headers=None):
        response = client_as(viewer).get(reverse("board") + query, headers=headers)
        assert response.status_code == 200
        return parse(response)

    return get


def names(page):
    return [words(cell) for cell in find(page, class_="board-name")]


def cells(page, row):
    found = find(page, within=f"service-row-{row.pk}", tag="td", class_="cell")
    return [words(cell) for cell in found]


def test_worst_is_first_and_among_equals_the_most_recent_change(page, absorbed):
    absorbed("ok.example.com")
    absorbed("old.example.com", "trouble", minutes=60)
    absorbed("new.example.com", "trouble", minutes=5)
    absorbed("gone.example.com", "failover", gone=True)
    absorbed("off.example.com", "failover", active=False)
    absorbed("worst.example.com", "failover", minutes=90)
    absorbed("unk.example.com", "unk")
    order = ["worst", "new", "old", "unk", "ok", "off", "gone"]
    assert names(page()) == [f"{name}.example.com" for name in order]


def test_service_that_waits_for_recover_stands_next_to_the_troubled(page, absorbed):
    absorbed("ok.example.com", minutes=1)
    absorbed("unk.example.com", "unk", minutes=1)
    for minutes, status in ((9, "down"), (8, "up")):
        entry = builders.pool_entry(serve_mode="remove", status=status)
        regions = (builders.region(pool=(entry,)),)
        value = builders.service("waits.example.com", status="ok", region=regions)
        sync.absorb_service(value, asked_at=timezone.now() - timedelta(minutes=minutes))
    absorbed("trouble.example.com", "trouble", minutes=1)
    assert [name.split(".")[0] for name in names(page())] == ["trouble", "waits", "unk", "ok"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?zone=example.net", ["b.example.net"]),
        ("?status=trouble", ["a.example.com"]),
        ("?status=inactive", ["c.example.com"]),
        ("?text=B.EXAMPLE", ["b.example.net"]),
        ("?text=192.0.2.77", ["b.example.net"]),
        ("?text=rack+seven", ["b.example.net"]),
        ("?zone=example.net&status=trouble", []),
        ("?page=9", ["a.example.com", "b.example.net", "c.example.com"]),
        ("?page=x&status=nonsense", []),
        ("?text=a.exa%00mple", ["a.example.com"]),
    ],
)
def test_filters_are_in_the_url(page, absorbed, query, found):
    absorbed("a.example.com", "trouble")
    pool = (builders.pool_entry("192.0.2.77", label="Rack seven"),)
    region = builders.region(pool=pool)
    absorbed("b.example.net", zone="example.net", region=(region,))
    absorbed("c.example.com", active=False)
    assert names(page(query)) == found


def test_counts_tell_every_state_and_lead_the_title(page, absorbed):
    absorbed("a.example.com", "failover")
    absorbed("b.example.com", "failover")
    absorbed("c.example.com", "trouble")
    absorbed("d.example.com", "failover", active=False)
    drawn = page("?status=failover")
    counts = find(drawn, id="counts")[0]
    assert counts.get("data-words") == "2 failover, 1 trouble, 1 inactive"
    assert drawn.findtext(".//title").startswith("2 ◆ 1 ▲ Board")
    chosen = find(drawn, within="counts", aria_current="true")
    assert [words(link) for link in chosen] == ["failover 2"]


def test_counts_read_again_keep_the_filter_of_their_page_marked(client_as, viewer, absorbed):
    absorbed("a.example.com", "trouble")
    headers = HTMX | {"HX-Current-URL": "http://testserver/?status=trouble"}
    response = client_as(viewer).get(reverse("counts"), headers=headers)
    assert response.content.count(b'aria-current="true"') == 1
    assert b"<html" not in response.content


def test_strip_has_eight_cells_in_fixed_order_and_tells_what_is_wrong(page, absorbed):
    down = builders.pool_entry("192.0.2.8", status="down")
    up = builders.pool_entry("192.0.2.9", status="up")
    row = absorbed(
        "a.example.com",
        "failover",
        region=(
            builders.region("Asia", pool=(down,), status="failover",
                            failover_mode="region", failover_data="US West"),
            builders.region("global", pool=(down, up), status="trouble"),
            builders.region("US West", autopopulate=True, status="ok"),
        ),
    )  # fmt: skip
    found = cells(page(), row)
    assert len(found) == 8
    assert found[0] == "1/2global: trouble; 1 of 2 up"
    assert found[1] == "US West: ok; filled from the global region"
    assert found[2] == "–US Central: no such region"
    assert found[7] == "→US WAsia: failover; 0 of 1 up; answers from region US West"


def test_cell_of_a_region_in_failover_tells_where_its_answers_come_from(page, absorbed):
    failing = {"status": "failover", "failover_data": ""}
    row = absorbed(
        "a.example.com",
        "failover",
        region=(
            builders.region("global", **failing, failover_mode="global"),
            builders.region("Asia", **failing, failover_mode="global"),
        ),
    )
    found = cells(page(), row)
    assert found[0].startswith("→own")
    assert found[0].endswith("answers from its own pool as the last resort")
    assert found[7].startswith("→own")  # global is in failover itself, and leads nowhere else
    assert found[7].endswith("answers from its own pool as the last resort")


def test_cell_of_a_filled_region_in_failover_tells_the_target_of_the_global_one(page, absorbed):
    row = absorbed(
        "a.example.com",
        "failover",
        region=(
            builders.region("global", status="failover"),
            builders.region("Asia", autopopulate=True, status="failover", failover_mode="global"),
        ),
    )
    filled = "filled from the global region; answers from 192.0.2.99"
    assert cells(page(), row)[7] == f"→ipAsia: failover; {filled}"


def test_active_service_that_answers_nothing_is_told_as_an_alarm(page, absorbed):
    row = absorbed("a.example.com", "failover", region=(builders.region(status="failover"),))
    nothing = ResponseSet("global", "failover", 1, "health", 1, ())
    sync.absorb_answers(row, [nothing], asked_at=timezone.now())
    drawn = page()
    assert cells(drawn, row)[0].startswith("→none")
    assert cells(drawn, row)[0].endswith("answers nothing")
    [told] = find(drawn, within=f"service-row-{row.pk}", class_="nothing")
    assert words(told) == "answers nothing"
    inactive = absorbed("b.example.com", active=False)
    assert not find(page(), within=f"service-row-{inactive.pk}", class_="nothing")


def test_address_that_waits_for_a_recover_shows_in_the_strip(page, absorbed):
    entry = builders.pool_entry("192.0.2.8", serve_mode="remove", status="down")
    row = absorbed("a.example.com", "ok", region=(builders.region(pool=(entry,), status="ok"),))
    up = builders.pool_entry("192.0.2.8", serve_mode="remove", status="up")
    value = builders.service("a.example.com", status="ok",
                             region=(builders.region(pool=(up,), status="ok"),))  # fmt: skip
    sync.absorb_service(value, asked_at=timezone.now())
    assert "1 up again but waiting for recover" in cells(page(), row)[0]


def answer_shown(page, row):
    return words(find(page, within=f"service-row-{row.pk}", class_="board-answer")[0])


def test_answer_is_that_of_the_region_in_failover_before_the_global_one(page, absorbed):
    regions = (builders.region(status="ok"), builders.region("Asia", status="failover"))
    row = absorbed("a.example.com", "failover", region=regions)
    assert answer_shown(page(), row) == "not asked yet"
    answers = [
        ResponseSet("global", "ok", 1, "health", 1, (Record("A", "192.0.2.1", 1),)),
        ResponseSet("Asia", "failover", 1, "health", 1,
                    tuple(Record("A", f"192.0.2.{n}", 1) for n in range(5))),
    ]  # fmt: skip
    sync.absorb_answers(row, answers, asked_at=timezone.now())
    assert answer_shown(page(), row) == "Asia: 192.0.2.0, 192.0.2.1 and 3 more"


def test_answer_from_before_a_change_says_how_old_it_is(page, absorbed, topics):
    row = absorbed("a.example.com", region=(builders.region(status="ok"),))
    served = [ResponseSet("global", "ok", 1, "health", 1, (Record("A", "192.0.2.1", 1),))]
    sync.absorb_answers(row, served, asked_at=timezone.now() - timedelta(minutes=90))
    failing = builders.service(
        "a.example.com", status="failover", region=(builders.region(status="failover"),)
    )
    sync.absorb_service(failing, asked_at=timezone.now())
    assert answer_shown(page(), row) == "1 h ago: 192.0.2.1"
    row.refresh_from_db()
    topics.clear()
    sync.absorb_answers(row, served, asked_at=timezone.now())
    assert answer_shown(page(), row) == "192.0.2.1"
    assert {f"service-row-{row.pk}", f"region-{row.regions.get().pk}"} <= topics


def test_row_is_old_once_it_was_not_seen_for_twice_the_interval(page, absorbed, settings):
    fresh, old = absorbed("a.example.com"), absorbed("b.example.com")
    late = timezone.now() - timedelta(seconds=2 * settings.SYNC_INTERVAL + 16)
    Service.objects.filter(pk=old.pk).update(seen_at=late)
    drawn = page()
    assert find(drawn, within=f"service-row-{old.pk}", tag="time", class_="stale")
    assert not find(drawn, within=f"service-row-{fresh.pk}", tag="time", class_="stale")


def test_only_rows_of_the_last_sync_grow_younger_with_the_next(page, absorbed):
    before, seen = absorbed("a.example.com"), absorbed("b.example.com")
    sync.absorb_success(asked_at=seen.seen_at)
    Service.objects.filter(pk=before.pk).update(seen_at=seen.seen_at - timedelta(seconds=1))
    drawn = page()
    assert find(drawn, within=f"service-row-{seen.pk}", tag="time", data_with_sync="")
    assert not find(drawn, within=f"service-row-{before.pk}", tag="time", data_with_sync="")


def test_every_page_says_since_when_it_shows_old_data(page, client_as, viewer):
    sync.absorb_success(asked_at=NOW)
    sync.absorb_failure("The backend did not answer.", asked_at=NOW + timedelta(minutes=1))
    for url in (reverse("board"), reverse("activity"), reverse("log-reports"), reverse("account")):
        banner = words(find(parse(client_as(viewer).get(url)), id="freshness")[0])
        assert banner.startswith("Old data since 2026-11-23 09:30:00 UTC")
        assert banner.endswith("The backend did not answer.")


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "Synced 5 s ago"), (600, "No sync for 10 min."), (None, "Not synced")]
)
def test_freshness_tells_a_late_sync_from_a_good_one(client_as, viewer, seconds, said):
    if seconds is not None:
        sync.absorb_success(asked_at=timezone.now() - timedelta(seconds=seconds))
    response = client_as(viewer).get(reverse("freshness"), headers=HTMX)
    assert said in words(parse(response))


def test_order_line_is_silent_until_the_order_changes(client_as, viewer, absorbed):
    first, second = absorbed("a.example.com", "trouble"), absorbed("b.example.com")
    drawn = f"{first.pk},{second.pk}"

    def line():
        response = client_as(viewer).get(reverse("board-order"), {"drawn": drawn}, headers=HTMX)
        return words(parse(response))

    assert line() == ""
    value = builders.service("b.example.com", status="failover")
    sync.absorb_service(value, asked_at=timezone.now())
    assert line().startswith("The order has changed.")
    absorbed("c.example.com")
    assert line().startswith("1 more service belongs here.")


def test_order_line_asks_again_with_the_rows_and_filters_that_were_drawn(page, absorbed):
    row = absorbed("a.example.com")
    url = find(page("?text=a.example"), id="board-order")[0].get("hx-get")
    assert url == f"{reverse('board-order')}?text=a.example&drawn={row.pk}"


def test_row_is_a_fragment_that_listens_to_its_own_topic(client_as, viewer, absorbed):
    row = absorbed("a.example.com", "trouble")
    response = client_as(viewer).get(reverse("service-row", args=[row.pk]), headers=HTMX)
    found = find(parse(response), tag="tr")[0]
    assert found.get("id") == f"service-row-{row.pk}"
    assert found.get("hx-trigger") == f"sse:service-row-{row.pk}"
    assert client_as(viewer).get(reverse("service-row", args=[0])).status_code == 404


def test_row_read_again_is_the_row_of_a_newly_drawn_board(
    page, client_as, viewer, absorbed, topics
):
    row = absorbed("a.example.com")
    sync.absorb_service(builders.service("a.example.com", status="failover"),
                        asked_at=timezone.now())  # fmt: skip
    assert {f"service-row-{row.pk}", "counts"} <= topics
    again = client_as(viewer).get(reverse("service-row", args=[row.pk]), headers=HTMX)
    name = f"service-row-{row.pk}"
    assert words(find(parse(again), id=name)[0]) == words(find(page(), id=name)[0])


def test_htmx_gets_the_list_and_a_plain_request_the_page(page, client_as, viewer, absorbed):
    absorbed("a.example.com")
    fragment = client_as(viewer).get(reverse("board"), headers=HTMX)
    assert b"<html" not in fragment.content
    assert b'id="board-list"' in fragment.content
    assert find(page(), id="counts")


def test_empty_states_say_what_to_do_next(page, absorbed):
    assert "No service yet" in page().text_content()
    assert not find(page(), class_="filters")
    absorbed("a.example.com")
    drawn = page("?text=nowhere")
    assert "No service matches" in drawn.text_content()
    assert find(drawn, class_="empty")[0].xpath(".//a/@href") == [reverse("board")]


def test_hundred_rows_a_page(page, absorbed):
    value = builders.service("a.example.com")
    row = sync.absorb_service(value, asked_at=timezone.now())
    copies = [
        Service(**{**_columns(row), "fqdn": f"s{number:03}.example.com"}) for number in range(100)
    ]
    Service.objects.bulk_create(copies)
    assert len(names(page())) == 100
    assert len(names(page("?page=2"))) == 1


def _columns(row):
    return {field.attname: getattr(row, field.attname) for field in Service._meta.concrete_fields
            if field.attname != "id"}  # fmt: skip


def test_number_of_queries_does_not_grow_with_the_rows(
    client_as, viewer, absorbed, django_assert_num_queries
):
    client = client_as(viewer)
    for number in range(5):
        absorbed(f"s{number}.example.com", region=(builders.region(), builders.region("Asia")))
    # session, user; number of services, services, regions with their counts; zones; counts; sync
    with django_assert_num_queries(8):
        client.get(reverse("board"))


def test_sync_button_is_for_operators(client_as, viewer, operator):
    for user, offered in ((viewer, 0), (operator, 1)):
        drawn = parse(client_as(user).get(reverse("board")))
        assert len(find(drawn, tag="form", class_="sync")) == offered


def test_admin_link_is_for_admins(client_as, operator):
    assert "Admin" not in client_as(operator).get(reverse("board")).content.decode()


@pytest.mark.parametrize("name", ["board", "counts", "freshness", "board-order"])
def test_stranger_is_sent_to_the_log_in_page(client_as, name):
    response = client_as(None).get(reverse(name))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("login"))


def test_nothing_here_takes_a_post(client_as, operator):
    for name in ("board", "counts", "freshness", "board-order"):
        assert client_as(operator).post(reverse(name)).status_code == 405
