"""The fixed words of RTTM: choices, statuses and region codes, as DynECT spells them."""

from enum import StrEnum


class RegionCode(StrEnum):
    """The eight parts of the world, in the order every page shows them (SDK valid_region_codes)."""

    GLOBAL = "global"
    US_WEST = "US West"
    US_CENTRAL = "US Central"
    US_EAST = "US East"
    EU_WEST = "EU West"
    EU_CENTRAL = "EU Central"
    EU_EAST = "EU East"
    ASIA = "Asia"


class ServeMode(StrEnum):
    """What monitoring may do with a pool entry."""

    ALWAYS = "always"
    OBEY = "obey"
    REMOVE = "remove"
    NO = "no"


class FailoverMode(StrEnum):
    """Where a region's answers come from while it is in failover."""

    IP = "ip"
    CNAME = "cname"
    REGION = "region"
    GLOBAL = "global"


class Protocol(StrEnum):
    """How an address is probed; NONE (WSDL 3.7.11) leaves it unprobed."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    PING = "PING"
    SMTP = "SMTP"
    TCP = "TCP"
    NONE = "NONE"


class EntryStatus(StrEnum):
    """What monitoring observed of one address."""

    UP = "up"
    DOWN = "down"
    UNK = "unk"


class Status(StrEnum):
    """What a region or a service is in, from its entries' statuses and its failover."""

    FAILOVER = "failover"
    TROUBLE = "trouble"
    UNK = "unk"
    OK = "ok"


WORST_FIRST: tuple[Status, ...] = (Status.FAILOVER, Status.TROUBLE, Status.UNK, Status.OK)


class ChangeType(StrEnum):
    """Why a response set changed, as the log report says it."""

    USER = "user"
    HEALTH = "health"
    PERF = "perf"


class NotifyEvent(StrEnum):
    """Events a contact can be told of: an address, the service, an address with mode `no`."""

    IP = "ip"
    SVC = "svc"
    NOSRV = "nosrv"


class SyslogDelivery(StrEnum):
    """Whether probe messages are sent on change only, or all of them."""

    CHANGE = "change"
    ALL = "all"


SYSLOG_FACILITIES: tuple[str, ...] = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron"),
    *("authpriv", "ftp", "ntp", "security", "console"),
    *(f"local{number}" for number in range(8)),
)
