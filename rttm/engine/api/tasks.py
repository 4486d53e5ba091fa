"""Task: list, read and cancel what recover and recoverip still wait for."""

from collections.abc import Callable

from rttm.core.wire import JSON, name
from rttm.engine import tasks
from rttm.engine.models import Task

from .envelope import Answer, Message, illegal, invalid, not_found
from .request import NUMBER, Request, optional_text

BLOCKING = "blocking"  # a special name: the tasks that block a zone, of which we have none


def list_all(request: Request) -> Answer:
    """Of the account; narrowed by name, zone_name and status."""
    found = _asked(request) if request.args.get("name") != BLOCKING else []
    data = [_render(task, request.now) for task in found]
    return Answer(data, (Message(f"get: Found {len(data)} tasks"),))


def _asked(request: Request) -> list[Task]:
    wanted, zone = (optional_text(request.args, field) for field in ("name", "zone_name"))
    return tasks.find_all(
        request.customer_name, name=wanted, zone_name=name(zone), is_done=_is_done(request.args)
    )


def _is_done(args: JSON) -> bool | None:
    """None: whether or not."""
    status = optional_text(args, "status")
    try:
        return {"": None, "done": True, "notdone": False}[status]
    except KeyError:
        raise invalid("status: status must be done or notdone") from None


def read(request: Request, number: str) -> Answer:
    task = _known(tasks.find, request, number)
    return Answer(_render(task, request.now), (Message("get: Here is your task"),))


def cancel(request: Request, number: str) -> Answer:
    """Ends the wait; what recover did at once stays done."""
    task = _known(tasks.hold, request, number)
    if task.status in tasks.DONE:
        raise illegal(f"task: The task is {task.status} already")
    tasks.cancel(task, "Canceled; recover itself was done before", now=request.now)
    return Answer(_render(task, request.now), (Message("cancel: Task canceled"),))


def _known(found: Callable[[int, str], Task | None], request: Request, number: str) -> Task:
    task = found(int(number) if NUMBER.fullmatch(number) else 0, request.customer_name)
    if task is None:
        raise not_found("task_id: There is no such task")
    return task


def _render(task: Task, now: float) -> JSON:
    return {
        "task_id": task.pk,
        "name": task.name,
        "customer_name": task.customer_name,
        "zone_name": task.zone_name,
        "status": tasks.shown_status(task, now),
        "step_count": task.total_steps - len(task.waiting),
        "total_steps": task.total_steps,
        "blocking": "N",
        "message": task.message,
        "debug": "",
        "created_ts": int(task.created_at),
        "modified_ts": int(task.modified_at),
        "args": task.args,
    }
