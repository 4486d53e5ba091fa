"""The board: every service, worst first; its rows, its counts and how fresh they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from dashboard.access import LoggedInRequest, asked, wants_fragment
from dashboard.context import stale_after
from dashboard.counts import STATES
from dashboard.strip import HEADS, Answer, Cell, answer, services_for_strips, strip
from dashboard.templatetags.rttm import SIGNS
from rttm import live
from rttm.models import PoolEntry, Service

PAGE_ROWS = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked the board for, as in its URL."""

    zone: str = ""
    status: str = ""
    text: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "Filters":
        return cls(*(asked(request, name) for name in ("zone", "status", "text")))

    @property
    def query(self) -> str:
        return self.at("")

    def at(self, page: int | str) -> str:
        """The query of one page of what was found."""
        named = {"zone": self.zone, "status": self.status, "text": self.text, "page": page}
        return urlencode({name: value for name, value in named.items() if value})

    def of_services(self, services: QuerySet[Service]) -> QuerySet[Service]:
        if self.zone:
            services = services.filter(zone=self.zone)
        if self.status:
            services = services.filter(Service.has_sign(self.status))
        return services.filter(self._named()) if self.text else services

    def _named(self) -> Q:
        """By its own name, or by an address or label in its pools."""
        entries = PoolEntry.objects.filter(
            Q(address__icontains=self.text) | Q(label__icontains=self.text),
            region__service=OuterRef("pk"),
        )
        return Q(fqdn__icontains=self.text) | Q(Exists(entries))


@dataclass(frozen=True, slots=True)
class Row:
    """One service as the board draws it."""

    service: Service
    cells: list[Cell]
    answer: Answer

    @classmethod
    def of(cls, service: Service) -> "Row":
        return cls(service, strip(service), answer(service))


def _worst_first(services: QuerySet[Service]) -> QuerySet[Service]:
    """Worst first, then the most recent change; a status we do not know ranks as unknown.

    A service that is ok but has an address waiting for recover needs a person: next to trouble.
    """
    ranks = {sign: 2 * place for place, sign in enumerate(STATES)}
    waiting = PoolEntry.objects.filter(PoolEntry.waiting(), region__service=OuterRef("pk"))
    rank = Case(
        When(Service.has_sign("ok") & Exists(waiting), then=Value(ranks["trouble"] + 1)),
        *(When(Service.has_sign(sign), then=Value(rank)) for sign, rank in ranks.items()),
        default=Value(ranks["unk"]),
    )
    return services.annotate(rank=rank).order_by("rank", "-status_since", "fqdn", "pk")


@login_required
@require_safe
def board(request: LoggedInRequest) -> HttpResponse:
    position = live.position()
    filters = Filters.of(request)
    context = _list(filters, request.GET.get("page"))
    context |= {"section": "board", "live_position": position}
    if wants_fragment(request):
        return render(request, "components/board.html#list", context)
    return render(request, "board.html", context | _choices())


def _list(filters: Filters, page: str | None) -> dict[str, Any]:
    services = _worst_first(filters.of_services(services_for_strips()))
    found = Paginator(services, PAGE_ROWS).get_page(page)
    rows = [Row.of(service) for service in found.object_list]
    return {
        "filters": filters,
        "here": filters.at(found.number if found.number > 1 else ""),
        "page": found,
        "rows": rows,
        "drawn": ",".join(str(row.service.pk) for row in rows),
        "heads": HEADS.items(),
        "stale_after": stale_after(),
    }


def _choices() -> dict[str, Any]:
    zones = Service.objects.order_by("zone").values_list("zone", flat=True).distinct()
    states = [(state, SIGNS[state][1]) for state in STATES]
    return {"zones": list(zones), "states": states}


@login_required
@require_safe
def board_order(request: LoggedInRequest) -> HttpResponse:
    """Whether the rows as drawn are still in order; the reader re-sorts when it suits them."""
    filters = Filters.of(request)
    services = _worst_first(filters.of_services(Service.objects.all()))
    pages = Paginator(services.values_list("pk", flat=True), PAGE_ROWS)
    page, drawn = request.GET.get("page", ""), request.GET.get("drawn", "")
    now = ",".join(map(str, pages.get_page(page).object_list))
    news = "" if now == drawn else _news(drawn.split(","), now.split(","))
    context = {"here": filters.at(page), "drawn": drawn, "news": news}
    return render(request, "components/board.html#order", context)


def _news(drawn: Iterable[str], now: Iterable[str]) -> str:
    added = len(set(now) - set(drawn) - {""})
    if not added:
        return "The order has changed."
    return f"{added} more {'service belongs' if added == 1 else 'services belong'} here."


@login_required
@require_safe
def service_row(request: LoggedInRequest, pk: int) -> HttpResponse:
    service = get_object_or_404(services_for_strips(), pk=pk)
    context = {"row": Row.of(service), "stale_after": stale_after()}
    return render(request, "components/board.html#row", context)


@login_required
@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    return render(request, "components/counts.html")


@login_required
@require_safe
def freshness(request: HttpRequest) -> HttpResponse:
    return render(request, "components/freshness.html")
