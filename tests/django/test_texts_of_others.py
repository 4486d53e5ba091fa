"""Texts that others wrote: a label or contact of a backend with other rules is shown harmlessly."""

import pytest
from django.utils import timezone

from dashboard.forms.pool_entries import PoolEntryForm
from rttm import sync
from rttm.client import calls
from rttm.engine import store
from rttm.models import Edit
from tests.builders import pool_entry, region, service
from tests.converges import HTMX
from tests.pages import find, parse

ONE, TWO = "192.0.2.1", "192.0.2.2"
TURNED = "rack \u202e7 kcar"  # what follows the mark is drawn from right to left


@pytest.fixture
def row(backend):
    """Put into the backend's store past its rules, as a backend with other rules has it."""
    pool = (pool_entry(ONE, label=TURNED), pool_entry(TWO))
    value = service(region=(region(pool=pool),), contact_nickname=TURNED)
    zone, _ = store.create_zone(value.zone)
    store.create(zone, value, now=0, user_name="olga")
    return sync.absorb_service(backend.run(calls.service(value.key)), asked_at=timezone.now())


@pytest.fixture
def entry(row):
    return row.regions.get().pool.get(address=ONE)


@pytest.fixture
def client(client_as, operator):
    return client_as(operator)


def set_apart(response) -> int:
    """How often the text is drawn, each time in an element that keeps its turn to itself."""
    parts = list(parse(response).iter())
    shown = [part for part in parts if TURNED in (part.text or "")]
    assert not [part for part in parts if TURNED in (part.tail or "")]
    assert {(part.tag, part.text) for part in shown} == {("bdi", TURNED)}
    return len(shown)


def test_page_of_the_service_sets_label_and_contact_apart(client, row):
    assert set_apart(client.get(f"/services/{row.pk}/")) == 2


def test_cell_without_a_label_is_empty_so_that_a_narrow_page_leaves_it_out(client, row):
    page = parse(client.get(f"/services/{row.pk}/"))
    cells = find(page, tag="td", class_="label")
    assert [(cell.text, len(cell)) for cell in cells] == [(None, 1), (None, 0)]


def test_question_before_a_deletion_sets_the_label_apart(client, entry):
    assert set_apart(client.get(f"/pool-entries/{entry.pk}/delete/", headers=HTMX)) == 1


def test_conflict_sets_apart_what_others_typed(client, entry):
    form = {"address": ONE, "label": "mine", "weight": 1, "serve_mode": "obey"}
    form |= {"seen": entry.version + 7, "service": entry.region.service_id}
    response = client.post(f"/pool-entries/{entry.pk}/", form, headers=HTMX)
    assert response.status_code == 409
    [theirs] = find(parse(response), tag="bdi")
    assert theirs.text == TURNED


def test_activity_sets_apart_what_was_there_before_and_after(client, row, operator):
    Edit.objects.create(
        service=row, actor=operator, verb="update", created_at=timezone.now(),
        before={"label": TURNED}, after={"label": TURNED[::-1]},
    )  # fmt: skip
    shown = [part.text for part in find(parse(client.get("/activity/")), tag="bdi")]
    assert shown == [TURNED, TURNED[::-1]]


@pytest.mark.parametrize(("label", "is_good"), [(TURNED, True), (f"{TURNED}!", False)])
def test_label_of_others_hinders_no_edit_but_is_not_taken_from_a_person(label, is_good):
    current = pool_entry(ONE, label=TURNED)
    data = {"address": ONE, "label": label, "weight": "9", "serve_mode": "no"}
    form = PoolEntryForm(data, element="x", current=current, others=(), fqdn="www.example.com")
    assert form.is_valid() is is_good
    assert list(form.errors) == ([] if is_good else ["label"])
