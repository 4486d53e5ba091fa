"""`/live/`: whether a browser may have the event stream. dashboard/live_stream.py sends it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard import live_door, live_stream
from rttm.live import NOWHERE, moment


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Open the door: the answer's headers become those of the stream.

    | status | means |
    | --- | --- |
    | 200 | The stream may begin. It begins unless the account has too many: then it is 429. |
    | 204 | Not logged in. An EventSource then ends for good, and the page asks for a log-in. |
    | 400 | `since`, or Last-Event-ID, is not a position. |
    | 404 | This server cannot send streams. |
    """
    scope = getattr(request, "scope", None)
    if scope is None:
        raise Http404
    holder = live_door.issue(request.user, request.session)
    if holder is None:
        return HttpResponse(status=204)
    since = request.headers.get("Last-Event-ID") or request.GET.get("since", NOWHERE)
    if moment(since) is None:
        return HttpResponse("since is not a position.", status=400, content_type="text/plain")
    scope[live_stream.TICKET] = live_stream.Ticket(holder, since)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return HttpResponse(content_type="text/event-stream", headers=headers)
