"""A list that lacks most services: what it has is absorbed, its absences are held back and told."""

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from dashboard.models import Role, User
from rttm.client import calls
from rttm.models import Action, Service
from rttm.services import mirror_sync, missing_confirm, missing_dismiss
from tests.builders import service
from tests.converges import HTMX, assert_converges
from tests.pages import find, parse, words


class Listed:
    """Four services at the backend, of which its list has some only."""

    def __init__(self, backend) -> None:
        self.backend = backend
        self.values = [backend.has(service(f"s{n}.example.com")) for n in range(4)]

    def lacks(self, *numbers: int) -> None:
        """Gone from the list, as after a deletion."""
        for number in numbers:
            self.backend.run(calls.service_delete(self.values[number].key))

    def has(self, *numbers: int) -> None:
        for number in numbers:
            self.backend.has(self.values[number])


@pytest.fixture
def listed(backend) -> Listed:
    found = Listed(backend)
    mirror_sync()
    return found


@pytest.fixture
def admin(db) -> User:
    return User.objects.create_user("ada", password="secret", role=Role.ADMIN)


def missing() -> set[str]:
    return set(Service.objects.filter(Service.has_sign("missing")).values_list("fqdn", flat=True))


def gone() -> set[str]:
    return set(Service.objects.filter(Service.has_sign("gone")).values_list("fqdn", flat=True))


NAMES = {f"s{n}.example.com" for n in range(4)}
THREE = {f"s{n}.example.com" for n in range(3)}


@pytest.fixture
def notice(client_as, viewer):
    def read() -> str:
        page = parse(client_as(viewer).get("/account/"))
        return words(find(page, id="freshness")[0])

    return read


def test_what_is_listed_is_absorbed_and_only_the_absences_are_held_back(backend, listed):
    listed.lacks(0, 1, 2)
    key = listed.values[3].key
    backend.run(calls.pool_entry_update(key, "global", "192.0.2.1", {"weight": 9}))
    plan = mirror_sync()
    assert str(plan) == "1 services read, 1 changes. 3 of 4 services are missing and held back."
    survivor = Service.objects.whole().get(fqdn="s3.example.com")
    assert survivor.value.region[0].pool[0].weight == 9
    assert missing() == THREE
    assert gone() == set()


def test_few_absences_are_gone_at_once(listed):
    listed.lacks(0, 1)
    mirror_sync()
    assert (missing(), gone()) == (set(), {"s0.example.com", "s1.example.com"})


def test_every_page_says_how_many_are_missing_and_since_when(listed, notice):
    assert "missing" not in notice()
    listed.lacks(0, 1, 2)
    mirror_sync()
    since = Service.objects.exclude(missing_since=None).first().missing_since
    mirror_sync()
    told = f"3 services are missing at the backend since {since:%Y-%m-%d %H:%M:%S} UTC"
    assert told in notice()
    assert notice().startswith("Synced 0 s ago")


def test_missing_service_is_shown_as_old_and_not_as_ok(listed, client_as, viewer):
    Service.objects.update(status="ok")
    listed.lacks(0, 1, 2)
    mirror_sync()
    row = Service.objects.get(fqdn="s0.example.com")
    assert (row.sign, row.sign_of("ok"), row.seen_at < row.missing_since) == (
        "missing",
        "unk",
        True,
    )
    page = parse(client_as(viewer).get(f"/services/{row.pk}/"))
    head = words(find(page, class_="service-state")[0])
    assert head.startswith("missing The backend has not listed this service since")
    assert "the last we knew: ok" in head
    assert "Served when last asked" in words(find(page, class_="region")[0])
    counts = find(page, id="counts")[0].get("data-words")
    assert "3 missing" in counts


@pytest.mark.parametrize("url", ["/", "/missing/", "/services/{}/"])
def test_open_pages_converge_when_services_are_missing_and_when_they_are_back(
    listed, client_as, admin, topics, url
):
    url, client = url.format(Service.objects.first().pk), client_as(admin)
    listed.lacks(0, 1, 2)
    assert_converges(client, url, topics, mirror_sync)
    assert {"freshness", "services", "counts"} <= topics
    listed.has(0, 1, 2)
    assert_converges(client, url, topics, mirror_sync)
    assert {"freshness", "services", "counts"} <= topics


def test_missing_services_that_come_back_end_the_notice_by_themselves(listed, notice):
    listed.lacks(0, 1, 2)
    mirror_sync()
    listed.has(0, 1, 2)
    mirror_sync()
    assert (missing(), gone()) == (set(), set())
    assert "missing" not in notice()


def test_what_was_held_back_stays_so_while_the_others_come_back_one_by_one(listed):
    listed.lacks(0, 1, 2)
    mirror_sync()
    listed.has(0)
    mirror_sync()
    assert (missing(), gone()) == ({"s1.example.com", "s2.example.com"}, set())


def test_empty_list_holds_everything_back(listed):
    listed.lacks(0, 1, 2, 3)
    mirror_sync()
    assert (missing(), gone()) == (NAMES, set())


def test_zone_that_vanishes_between_two_questions_is_an_absence_and_no_failure(backend, listed):
    backend.has(service("www.example.net", zone="example.net"))
    mirror_sync()
    original = backend.transport.send

    def send(request):
        if request.path.startswith("/REST/RTTM/example.com/"):
            request = replace(request, path="/REST/RTTM/nowhere.example/")
        return original(request)

    backend.transport.send = send
    mirror_sync()
    assert missing() == NAMES
    assert Service.objects.get(fqdn="www.example.net").sign != "missing"


def test_admin_confirms_and_the_services_are_gone_since_they_were_missing(
    listed, client_as, admin, notice
):
    listed.lacks(0, 1, 2)
    mirror_sync()
    since = Service.objects.get(fqdn="s0.example.com").missing_since
    client = client_as(admin)
    page = parse(client.get("/missing/"))
    seen = [field.get("value") for field in find(page, within="missing-list", name="seen")]
    drawn = parse(client.post(reverse("missing-confirm"), {"seen": seen}, headers=HTMX))
    outcome = "3 services are marked as gone: s0.example.com, s1.example.com, s2.example.com."
    assert outcome in words(find(drawn, id="missing-list")[0])
    assert (missing(), gone()) == (set(), THREE)
    assert Service.objects.get(fqdn="s0.example.com").gone_at == since
    assert "missing" not in notice()
    kept = Action.objects.get()
    assert (kept.verb, kept.state, kept.actor_name) == ("confirm_gone", "succeeded", "ada")
    assert outcome in words(parse(client.get("/activity/")))
    mirror_sync()
    assert gone() == THREE


def test_confirming_marks_only_what_was_on_the_page_and_is_missing_still(listed, by):
    listed.lacks(0, 1, 2)
    mirror_sync()
    seen = list(Service.objects.filter(fqdn__in=THREE).values_list("pk", flat=True))
    listed.lacks(3)
    listed.has(0)
    mirror_sync()
    action = missing_confirm(pks=seen, origin=by)
    assert gone() == {"s1.example.com", "s2.example.com"}
    assert missing() == {"s3.example.com"}
    assert action.message.endswith("1 of those you saw came back or changed meanwhile.")


def test_dismissal_ends_the_notice_of_the_set_that_it_was_about(listed, by, notice):
    listed.lacks(0, 1, 2)
    mirror_sync()
    seen = Service.objects.filter(fqdn__in=THREE).values_list("pk", flat=True)
    action = missing_dismiss(pks=list(seen), origin=by)
    assert action.message.startswith("3 services are no longer told of, and still shown as missing")
    mirror_sync()
    assert "missing" not in notice()
    assert (missing(), gone()) == (THREE, set())
    listed.lacks(3)
    mirror_sync()
    assert "1 service is missing at the backend" in notice()


def test_dismissed_service_that_came_back_is_told_of_when_it_is_missing_again(listed, by, notice):
    listed.lacks(0, 1, 2)
    mirror_sync()
    missing_dismiss(pks=[row.pk for row in Service.objects.all()], origin=by)
    listed.has(0)
    mirror_sync()
    listed.lacks(0)
    mirror_sync()
    assert "1 service is missing at the backend" in notice()


def test_nothing_missing_any_more_is_a_stated_outcome(listed, by):
    action = missing_confirm(pks=[Service.objects.first().pk], origin=by)
    assert action.state == "failed"
    assert action.message.startswith("Nothing was changed")


def test_without_htmx_the_outcome_stands_on_the_page(listed, client_as, operator):
    listed.lacks(0, 1, 2)
    mirror_sync()
    seen = [Service.objects.get(fqdn="s0.example.com").pk, "9" * 50, "x"]
    response = client_as(operator).post(reverse("missing-dismiss"), {"seen": seen}, follow=True)
    assert "1 service is no longer told of" in words(parse(response))


@pytest.mark.parametrize(
    ("role", "verb", "status"),
    [
        (Role.VIEWER, "dismiss", 403),
        (Role.VIEWER, "confirm", 403),
        (Role.OPERATOR, "confirm", 403),
        (Role.OPERATOR, "dismiss", 200),
        (Role.ADMIN, "confirm", 200),
    ],
)
def test_operators_dismiss_and_only_admins_confirm(db, client_as, role, verb, status):
    user = User.objects.create_user("somebody", role=role)
    response = client_as(user).post(f"/missing/{verb}/", {"seen": [1]}, headers=HTMX)
    assert response.status_code == status
    assert client_as(user).get("/missing/").status_code == 200


def test_stranger_is_sent_to_the_log_in_page(client_as, db):
    assert client_as(None).get("/missing/").status_code == 302


def test_command_tells_what_it_held_back_and_takes_it_for_gone_when_asked(listed):
    listed.lacks(0, 1, 2)
    printed = StringIO()
    with pytest.raises(CommandError, match="3 of 4 services are missing and held back"):
        call_command("sync_rttm", stdout=printed)
    assert "1 services read" in printed.getvalue()
    call_command("sync_rttm", "--allow-gone", stdout=StringIO())
    assert (missing(), gone()) == (set(), THREE)
