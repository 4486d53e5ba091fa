"""core.schema values <-> rows: all that the API and the loop read and write goes through here."""

from .configuration import (
    Recovered,
    activate,
    addresses,
    change,
    create,
    create_zone,
    deactivate,
    delete,
    find,
    find_zone,
    hold,
    in_zone,
    recover,
    recover_address,
    zones,
)
from .detail import detail, details
from .observed import observe
from .results import (
    RunResult,
    Watched,
    record_results,
    watched,
    watched_versions,
)
from .silence import expire
from .sites import report_in
from .votes import AddressKey

__all__ = [
    "AddressKey",
    "Recovered",
    "RunResult",
    "Watched",
    "activate",
    "addresses",
    "change",
    "create",
    "create_zone",
    "deactivate",
    "delete",
    "detail",
    "details",
    "expire",
    "find",
    "find_zone",
    "hold",
    "in_zone",
    "observe",
    "recover",
    "recover_address",
    "record_results",
    "report_in",
    "watched",
    "watched_versions",
    "zones",
]
