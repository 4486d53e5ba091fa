"""What each kind of field takes and refuses: values to send, each with what has to come of it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rttm.core import rules

INVALID, MISSING, EXISTS, UNKNOWN = "INVALID_DATA", "MISSING_DATA", "TARGET_EXISTS", "NOT_FOUND"


KEYS = {"address", "new_address", "region_code", "zone", "fqdn"}
HOLDERS = {"region", "pool", "monitor", "performance_monitor"}
ALONE = {"autopopulate", *KEYS, *HOLDERS}


class Example(NamedTuple):
    """A value of a field: `told` by a read afterwards, or refused with a `code`."""

    sent: Any
    told: Any = None
    code: str = ""  # "" is taken
    field: str = ""  # the one that is blamed, where it is another


class Field(NamedTuple):
    """A field of an object, with other fields that have to be `beside` it."""

    name: str
    examples: list[Example]
    is_required: bool = False
    beside: dict[str, Any] = {}

    @property
    def is_alone(self) -> bool:
        """What it takes depends on other fields, or what they take on it."""
        return bool(self.beside) or self.name in ALONE

    @property
    def taken(self) -> list[Example]:
        return [example for example in self.examples if not example.code]

    @property
    def refused(self) -> list[Example]:
        return [example for example in self.examples if example.code]


# No field takes any of these, whatever it is.
NONSENSE = [
    *(1.5, -0.0, 1e308, [], [[]], [None], {}, {"a": 1}, {"": {"": [{}]}}),
    *("\0", "1\0", "\x00global"),
]
NO_WORDS = ["\u2603", "\u202eobey", "many", "null", "../..", "%00", "a" * 5000, "' OR 1=1 --"]
NO_NUMBERS = [
    *("1e3", "1.0", "0x1", "1_0", "\u0661", "\u00b2", "1 2", "--1", "+", "-", "Infinity", "NaN"),
    *("9" * 18, "9" * 400, 10**30, -(10**30), 2**31, 2**63, 10**17, True, False, [1], ["1"]),
]


def taken(*values: Any) -> list[Example]:
    """Told as they were sent."""
    return [Example(value, value) for value in values]


def refused(values: Iterable[Any], code: str = INVALID, field: str = "") -> list[Example]:
    return [Example(value, code=code, field=field) for value in values]


def number(allowed: Sequence[int], *, may_be_unset: bool = False) -> list[Example]:
    """Whole numbers, also as texts, with blanks around and a sign."""
    least, most = allowed[0], allowed[-1]
    inside = [least, most] if isinstance(allowed, range) else list(allowed)
    texts = [form.format(n) for n in (least, most) for form in ("{}", " {} ", "+{}", "0{}")]
    outside = [n for n in (least - 1, most + 1, -1, -most, least + 1) if n not in allowed]
    unset = [None, "", " "]
    return [
        *taken(*inside),
        *(Example(text, int(text)) for text in texts),
        *(Example(value, 0) for value in unset[:2] if may_be_unset),
        *refused(unset[2:] if may_be_unset else unset),
        *refused([*outside, *map(str, outside), *NONSENSE, *NO_NUMBERS, *NO_WORDS]),
    ]


def flag() -> list[Example]:
    yes = [True, "Y", "y", "yes", "true", "TRUE", "1", 1, " Y "]
    no = [False, "N", "n", "no", "false", "FALSE", "0", 0, " N "]
    return [
        *(Example(value, "Y") for value in yes),
        *(Example(value, "N") for value in no),
        *refused([2, -1, 10**30, 1.0, "", None, " ", "on", "YN", "\u0661", [True], ["Y"]]),
        *refused([*NONSENSE, *NO_WORDS]),
    ]


def detail() -> list[Example]:
    """A flag that may be left empty."""
    some = [example for example in flag() if example.sent not in (None, "")]
    return [*some, Example(None, "N"), Example("", "N")]


def any_text() -> list[Example]:
    """A number is one too."""
    return [
        *taken("x", "\u2603", "\U0001f600", "\u202e", "a\nb\tc", " ", "\"'<&\\", "e\u0301", "\x7f"),
        *(Example(value, str(value)) for value in (5, -1, 0, 10**30)),
        *(Example(value, "") for value in (None, "")),
        *refused([True, False, ["x"], *NONSENSE]),
    ]


def text(most: int, *, least: int = 0) -> list[Example]:
    some = [example for example in any_text() if not least or example.sent not in (None, "")]
    return [
        *some,
        *taken("a" * most, "\u2603" * most),
        *refused(["a" * (most + 1), *([None, ""] if least else [])]),
    ]


DECEPTIVE = "\n", "\t", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066"


def line(most: int, *, least: int = 0) -> list[Example]:
    """A text that shows as it stands."""
    some = [e for e in text(most, least=least) if not set(str(e.sent)) & {*DECEPTIVE}]
    return [*some, *taken("\u05d0 \u200f", "\xa0"), *refused([f"a{odd}b" for odd in DECEPTIVE])]


def choice(words: Iterable[str], others: Iterable[Any] = ()) -> list[Example]:
    """One of some words, written just so; `others` are words that are not right here."""
    right = [str(word) for word in words]
    wrong = [w for w in (right[0].swapcase(), f" {right[0]}", f"{right[0]}\n") if w not in right]
    return [
        *taken(*right),
        *refused([*wrong, *others, None, "", 0, 10**30, True, [right[0]], *NONSENSE, *NO_WORDS]),
    ]


NAME = "a.example.net"
LONG_NAME = ".".join(["a" * 63] * 3 + ["b" * 61])  # as long as a name may be
NO_ADDRESSES = [
    *("192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1/24", "192.0.2.1:80", "::1", "3232235777"),
    *("localhost", "a..example.net", "a.example.net..", "-a.example.net", "a-.example.net"),
    *("a b.example.net", "\u2603.example.net", "192.0.2.\u0667", ".example.net", "http://a.net/"),
    *("a" * 64 + ".net", LONG_NAME + "x", "a.example.net\n.b", "*.example.net", ".", "..", " "),
    *(0, 10**30, True, ["192.0.2.7"]),
]


def address() -> list[Example]:
    """An IPv4 address or FQDN: kept in lower case, without its last dot."""
    return [
        *taken("192.0.2.7", "0.0.0.0", "255.255.255.255", NAME, "_a.xn--n3h.net", LONG_NAME),
        *(Example(form, NAME) for form in ("A.Example.NET", f"{NAME}.", f" {NAME} ")),
        Example("192.0.2.7.", "192.0.2.7"),
        *refused([None, "", *NO_ADDRESSES, *NONSENSE, *NO_WORDS]),
    ]


def host(*also: str) -> list[Example]:
    """A name without its last dot, an IPv4 address, or none; `also`: other addresses."""
    return [
        *taken("", "localhost", NAME, "A.Example.NET", "192.0.2.7", LONG_NAME, *also),
        Example(None, ""),
        Example(f"{NAME}.", NAME),
        *refused(address for address in ("::1", "fe80::1%eth0") if address not in also),
        *refused(["192.0.2.256", "a_b c", "-a", "a:80", "a/b", 5, True]),
        *refused(word for word in [*NONSENSE, *NO_WORDS] if word not in ("many", "null")),
    ]


def header() -> list[Example]:
    return [
        *taken("", "A: b", "A:b", "A: b\nC: d", "A: b\r\nC: d", "X-\u0041: \u2603", "A:"),
        Example(None, ""),
        *refused(
            [
                "A b: c",
                "A : b",
                "(A): b",
                "A",
                ": b",
                " : b",
                "A: b\n\nC: d",
                "A: b\nC",
                "\u00c4: b",
                "A: \x1b",
                "A: \x7f",
            ]
        ),
        *refused(["A: " + "b" * rules.TEXT_LENGTH, 5, True, ["A: b"], *NONSENSE]),
    ]


def path() -> list[Example]:
    return [
        *taken("", "/", "/a?b=c&d=%00", "/\u2603", "x", "/" + "a" * (rules.TEXT_LENGTH - 1)),
        Example(None, ""),
        *refused(["/\n", "/a\r\nHost: b", "/\x7f", "/\u202e", "/" + "a" * rules.TEXT_LENGTH]),
        *refused([True, ["/"], *NONSENSE]),
    ]


def events(words: Iterable[str]) -> list[Example]:
    """A comma list, or a JSON list."""
    one, two, *_ = map(str, words)
    both = f"{one},{two}"
    return [
        *taken("", one, both, *words),
        *(Example(form, both) for form in (f" {one} , {two} ", [one, two], f"{one},,{two},")),
        *(Example(empty, "") for empty in (None, [], [""])),
        *refused([one.upper(), f"{one};{two}", f"{one} {two}", 0, 5, True, [[one]], [one, None]]),
        *refused([[one, "up"], [5], {one: two}, [True], *NO_WORDS]),
        *refused(value for value in NONSENSE if value != []),
    ]


def ident() -> list[Example]:
    return [
        *taken("x", "a" * 32, "!~", "dynect[1]"),
        Example(5, "5"),
        *refused(["", None, "a b", "a" * 33, "\u2603", "a\n", " ", True, *NONSENSE]),
    ]


def objects() -> list[Example]:
    """A list of objects, in whose place stands something else; it may not be empty either."""
    return refused([None, "", "x", 5, True, 1.5, {}, {"a": 1}, [], [5], [[]], [None], ["x"]])


def an_object() -> list[Example]:
    return refused([None, "", "x", 5, True, 1.5, [], [{}], "\0"])


def required_text(taken_texts: Iterable[str]) -> list[Example]:
    """Of those that a call cannot do without; numbers are none."""
    return [
        *taken(*taken_texts),
        *refused([None, ""], MISSING),
        *refused([5, 10**30, True, *NONSENSE]),
    ]


def time(latest: int) -> list[Example]:
    """UNIX seconds until `latest`."""
    some = [example for example in number(range(latest + 1)) if example.sent not in (None, "")]
    return [*(e for e in some if e.code or e.told <= latest), *refused([None, ""], MISSING)]
