"""How large an answer may be, so that no backend takes our memory or time. No I/O.

The time a call may take bounds the wait for bytes, not the work of reading them: 64 MiB of small
JSON objects become 1.6 GB. So what is in the bytes is counted before they are parsed.
"""

from dataclasses import dataclass

MIB = 2**20
MARKS = (b",", b":", b"{", b"[")
"""JSON has at most one value more than it has of these."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that an answer may have of each."""

    size: int  # bytes
    marks: int
    objects: int

    def excess(self, body: bytes | bytearray) -> str:
        """Return what there is too much of, else nothing. Text may count too, as it may hold marks.

        A real answer has about 9 bytes for a mark, and 5 marks or more for an object.
        """
        if len(body) > self.size:
            return f"it is longer than {self.size} bytes"
        if sum(map(body.count, MARKS)) > self.marks:
            return f"it has more than {self.marks} values"
        if body.count(b"{") > self.objects:
            return f"it has more than {self.objects} objects"
        return ""


# One service with eight regions of 1,000 addresses and their logs is 5 MB.
ONE = Bound(8 * MIB, marks=1_000_000, objects=60_000)
# 5,000 services with details are 23 MB, with 2.7 million marks and 300,000 objects.
MANY = Bound(64 * MIB, marks=6_000_000, objects=1_000_000)
