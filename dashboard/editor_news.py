"""What an open editor says when somebody else has changed its object meanwhile."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from dashboard.forms.editors import EditorForm, read_draft
from dashboard.kept import Change
from dashboard.whose import last_change
from rttm.models import Edit, PoolEntry, Region

TEMPLATE = "components/conflict.html#news"


@dataclass(frozen=True, slots=True)
class News:
    """A notice within an editor, which asks again as often as its object is touched."""

    editor: str  # the id of the element that the editor is
    topics: str
    told: str  # of what its reader knows: the version, and the edit that made it
    is_changed: bool = False
    changes: tuple[Change, ...] = ()
    theirs: Edit | None = None  # where it was made here

    @classmethod
    def none(cls, row: Region | PoolEntry, form: EditorForm) -> "News":
        """The notice of an editor that has just been drawn."""
        return cls(form.element, _topics(row), told=str(form["seen"].value()))

    @classmethod
    def of(cls, row: Region | PoolEntry, form: EditorForm, was: dict[str, Any]) -> "News":
        """How the row, and an untouched editor of it, differ from what an editor was opened on."""
        changed = {name: now for name, now in form.at_first.items() if was.get(name, now) != now}
        changes = tuple(
            Change(str(form[name].label).lower(), was[name], now) for name, now in changed.items()
        )
        theirs = last_change(row, of=changed)
        return cls(
            form.element,
            _topics(row),
            told=f"{row.version}-{theirs.pk}" if theirs else str(row.version),
            is_changed=bool(changes) or not was,  # the editor of a deletion tells no values
            changes=changes,
            theirs=theirs,
        )


def draw_news(
    request: HttpRequest, row: Region | PoolEntry | None, form: EditorForm | None
) -> HttpResponse:
    """Draw the notice of an open editor; 204 when its reader has been told of this version."""
    if row is None or form is None:
        return render(request, TEMPLATE, {"news": None})
    news = News.of(row, form, read_draft(request.GET.get("was", "")))
    if news.told == request.GET.get("told"):
        return HttpResponse(status=204)
    return render(request, TEMPLATE, {"news": news, "url": request.path})


def _topics(row: Region | PoolEntry) -> str:
    """What is touched when the row is changed, is deleted, and when it is known who did it."""
    if isinstance(row, Region):
        service = row.service_id
        return f"sse:region-{row.pk}, sse:service-{service}, sse:service-history-{service}"
    history = f"sse:service-history-{row.region.service_id}"
    return f"sse:pool-entry-{row.pk}, sse:region-{row.region_id}, {history}"
