"""The answer to an HTTP probe as libcurl hands it over, line by line and part by part."""

import pycurl

FIRST_PART = 64 * 1024  # bytes of the body that count
SWITCHING = b"101"  # protocols: no other answer follows
ENOUGH = 0  # of the part were taken: tells libcurl to stop
FRAMES = (b"content-length", b"transfer-encoding")  # say where a body ends


class Answer:
    """What is known so far; libcurl is stopped when no more of it matters."""

    def __init__(self, expected: str, connect_ms: float) -> None:
        self.status = 0
        self.response_ms = 0.0
        self.location = ""
        self.body = bytearray()
        self.has_expected = not expected
        self._expected = _encoded(expected)
        self._connect_ms = connect_ms  # when not libcurl connected
        self._is_headed = False
        self._is_framed = False
        self._is_last = False  # nothing that is meant for us follows

    @property
    def is_cut(self) -> bool:
        """More than its first part may have come; nobody has looked."""
        return len(self.body) >= FIRST_PART

    @property
    def is_enough(self) -> bool:
        is_found = bool(self._expected) and self.has_expected
        return is_found or self.is_cut or (self._is_headed and self._is_last)

    @property
    def ends_when_closed(self) -> bool:
        """Nothing but the end of the connection says where its body ends."""
        return bool(self.status) and not self._is_framed

    def take_header(self, line: bytes) -> int | None:
        if line.startswith(b"HTTP/"):
            self._is_headed = self._is_framed = False  # what came before only announced it
            self._is_last = line.split()[1:2] == [SWITCHING]
        elif line in (b"\r\n", b"\n"):
            self._is_headed = True
            return ENOUGH if self._is_last else None
        else:
            name, _, value = line.partition(b":")
            if name.lower() == b"location":
                self.location = value.strip().decode("latin-1")
            elif name.lower() in FRAMES:
                self._is_framed = True
        return None

    def take_body(self, part: bytes) -> int | None:
        seen = len(self.body)
        self.body += part[: FIRST_PART - seen]
        for text in self._expected:
            # It may have begun in the part before.
            self.has_expected |= self.body.find(text, max(seen - len(text), 0)) >= 0
        return ENOUGH if self.is_enough else None

    def look(self, curl: pycurl.Curl) -> None:
        """What libcurl knows, now that the transfer is over."""
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        # "100 Continue" and its like only announce the answer.
        if self._is_headed and (status >= 200 or self._is_last):
            self.status = status
            # libcurl's clock starts with its connect and is read at the first byte.
            first_byte = float(curl.getinfo(pycurl.STARTTRANSFER_TIME))
            self.response_ms = self._connect_ms + first_byte * 1000


def _encoded(expected: str) -> frozenset[bytes]:
    """As the body may have it: nobody says which encoding the operator meant."""
    codes = ("utf-8", "latin-1") if expected else ()
    return frozenset(expected.encode(code, "replace") for code in codes)
