"""What can go wrong between us and a backend; `str(error)` is a sentence for a person.

    DynectError
    ├── Rejected        the backend said no: problems
    ├── Unavailable     the backend did not answer properly; `sent`: it may have been carried out
    │   ├── RateLimited the account made too many calls; not carried out
    │   └── Busy        another job or task is in the way; not carried out
    ├── Unauthorised    the backend refused our credentials; not carried out
    └── JobPending      the backend is still working on it: job_id, and the log-in's token

TransportError is what a transport raises; the session turns it into Unavailable.
"""

from collections.abc import Collection, Iterable
from typing import ClassVar

from rttm.core.rules import Problem


class TransportError(Exception):
    """No answer came; `sent` is False only when certainly nothing reached the backend."""

    def __init__(self, reason: str = "", *, sent: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


class DynectError(Exception):
    """Anything that kept a call from its answer; `subject` is the object the call was about."""

    def __init__(self, subject: str = "", reason: str = "") -> None:
        super().__init__(subject, reason)
        self.subject = subject
        self.reason = reason

    @property
    def may_have_changed(self) -> bool:
        """Whether the change that was asked for may have been carried out all the same."""
        return False


class Rejected(DynectError):
    """The backend understood the call and refused it; nothing was changed."""

    def __init__(
        self, subject: str = "", problems: Iterable[Problem] = (), codes: Collection[str] = ()
    ) -> None:
        self.problems = tuple(problems)
        self.codes = frozenset(codes)  # as the backend spells them: INVALID_DATA
        super().__init__(subject, " ".join(map(_words, self.problems)))

    def __reduce__(self) -> tuple[type["Rejected"], tuple[object, ...]]:
        return type(self), (self.subject, self.problems, self.codes)

    @property
    def not_found(self) -> bool:
        return "NOT_FOUND" in self.codes

    def __str__(self) -> str:
        advice = next((_ADVICE[code] for code in self.codes if code in _ADVICE), "")
        advice = advice or "Change it and try again."
        return f"The backend refused {self.subject}: {self.reason} {advice}"


_ADVICE = {
    "NOT_FOUND": "Reload to see what it has.",
    "TARGET_EXISTS": "Reload to see what it has.",
    "PERMISSION_DENIED": "An administrator must widen the rights of our user at the backend.",
}


def _words(problem: Problem) -> str:
    text = problem.message.rstrip()
    text = text if text.endswith((".", "!", "?")) else f"{text}."
    return f"{problem.field}: {text}" if problem.field else text


class Unavailable(DynectError):
    """The backend gave no usable answer; unless `sent`, certainly nothing was changed."""

    pauses: ClassVar[tuple[float, ...]] = (0.2,)  # seconds before each further attempt

    def __init__(self, subject: str = "", reason: str = "", *, sent: bool = True) -> None:
        super().__init__(subject, reason)
        self.sent = sent
        self.was_safe = False  # the session says so of a call that changes nothing anyway

    @property
    def may_have_changed(self) -> bool:
        return self.sent and not self.was_safe

    @property
    def fact(self) -> str:
        """What happened, without advice to who asked."""
        what = "gave no good answer about" if self.sent else "could not be asked about"
        return f"The backend {what} {self.subject}: {self.reason}."

    def __str__(self) -> str:
        advice = "Nothing was changed; try again."
        if self.may_have_changed:
            advice = "A change may have been carried out; reload before you try again."
        return f"{self.fact} {advice}"


class RateLimited(Unavailable):
    """Too many calls in this minute, counted over everybody who uses the account."""

    pauses = (5, 10, 20)  # the limit clears within 60 s (rate limit help page)

    def __init__(self, subject: str = "", reason: str = "too many calls in this minute") -> None:
        super().__init__(subject, reason, sent=False)


class Busy(Unavailable):
    """Another job of our session, or a task in the zone, is in the way for the moment."""

    pauses = (1, 3, 7, 15, 31)  # as the SDK waits for blocking tasks

    def __init__(self, subject: str = "", reason: str = "") -> None:
        super().__init__(subject, reason, sent=False)


class Unauthorised(DynectError):
    """The backend refused our credentials, also after a fresh log-in."""

    def __str__(self) -> str:
        return (
            f"The backend refused our log-in, so {self.subject} was not asked for: {self.reason}. "
            "Nothing was changed; an administrator must check the backend's credentials."
        )


class JobPending(DynectError):
    """The backend took the call and had not finished it when our time was up.

    Only the log-in that was given the job may ask after the job, so the error names both.
    """

    def __init__(self, subject: str = "", job_id: str = "", token: str = "") -> None:
        super().__init__(subject, f"job {job_id}")
        self.job_id = job_id
        self.token = token  # of the log-in; secret, and in no message

    def __reduce__(self) -> tuple[type["JobPending"], tuple[str, str, str]]:
        return type(self), (self.subject, self.job_id, self.token)

    @property
    def may_have_changed(self) -> bool:
        return True

    def __str__(self) -> str:
        return (
            f"The backend is still working on {self.subject} (job {self.job_id}). "
            "Its outcome is not known yet; look again in a moment."
        )
