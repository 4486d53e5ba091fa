"""Typed reads of environment variables, for settings.py alone: `env.port("PORT", 8000)`.

A value that cannot be read is an ImproperlyConfigured, one sentence that names the variable.
"""

import os
import secrets
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
HTTP = {"http", "https"}
REDIS = {"redis", "rediss", "unix"}
POSTGRES = {"postgres", "postgresql"}


def text(name: str, default: str = "") -> str:
    """The value without surrounding blanks; a variable set to nothing counts as unset."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    said = text(name, str(default))
    try:
        value = int(said)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {said!r}.") from None
    if value < minimum or (maximum is not None and value > maximum):
        limits = f"at least {minimum}" if maximum is None else f"{minimum} to {maximum}"
        raise ImproperlyConfigured(f"{name} must be {limits}, not {value}.")
    return value


def choice(name: str, default: str, *others: str) -> str:
    value = text(name, default).lower()
    if value not in (default, *others):
        raise ImproperlyConfigured(f"{name} must be {' or '.join((default, *others))}.")
    return value


def port(name: str, default: int) -> int:
    return number(name, default, minimum=1, maximum=65535)


def words(name: str) -> list[str]:
    """Comma separated words."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def networks(name: str, *, also: str = "") -> list[IPv4Network | IPv6Network]:
    """Comma separated networks, and one that is always among them."""
    try:
        return [ip_network(word) for word in [*words(name), *filter(None, [also])]]
    except ValueError as error:
        message = f"{name} must be networks such as 10.0.0.0/8, separated by commas: {error}."
        raise ImproperlyConfigured(message) from None


def directory(name: str, default: Path) -> Path:
    """A directory of our own, made if it is missing: what is in it is not for other users."""
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: cannot make {path}: {error}.") from None
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"{name}: {path} is not ours to write to.")
    return path


def url(name: str, default: str) -> str:
    """An http or https address, without its last slash."""
    problem = f"{name} must be an http:// or https:// address."
    if not _parts(text(name, default), HTTP, problem).hostname:
        raise ImproperlyConfigured(problem)
    return text(name, default).rstrip("/")


def secret(name: str, default: str = "") -> str:
    """NAME, or the content of the file that NAME_FILE points to."""
    value, file = text(name), text(f"{name}_FILE")
    if value and file:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    return _read_secret(f"{name}_FILE", Path(file)) if file else value or default


def kept_secret(name: str, path: Path) -> str:
    """As `secret`; one that nobody set is made once and kept in the file `path`."""
    if value := secret(name):
        return value
    if not path.exists():
        _keep_secret(name, path, secrets.token_urlsafe(48))
    return _read_secret(name, path)


def redis_url(name: str, default: str) -> str:
    url = secret(name, default)
    # As with databases, not a word of the value: it may hold a password.
    _parts(url, REDIS, f"{name} must be redis://host:port/0, rediss://… or unix://<path>.")
    return url


def left(path: Path, default: str) -> str:
    """What another process of this installation left in a file, if it did."""
    return (path.read_text().strip() if path.is_file() else "") or default


def left_port(path: Path, default: int) -> int:
    """The first port in a file that another process of this installation left."""
    word = next(iter(left(path, "").split()), "")
    return int(word) if word.isdecimal() and 0 < int(word) < 65536 else default


def database(name: str, default: str) -> dict[str, Any]:
    """sqlite:///<path> or postgres://user:password@host:port/name as a DATABASES entry."""
    # Not a word of the value in the messages: it may hold a password.
    problem = f"{name} must be sqlite:///<path> or postgres://user:password@host:port/name."
    parts = _parts(secret(name, default), {"sqlite", *POSTGRES}, problem)
    path = unquote(parts.path)[1:]
    if not path:
        raise ImproperlyConfigured(problem)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": path,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def _parts(url: str, schemes: Collection[str], problem: str) -> SplitResult:
    """The parts of an address of one of these schemes, whose port is a number if it has one."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in schemes and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise ImproperlyConfigured(problem)
    return parts


def _read_secret(name: str, path: Path) -> str:
    try:
        value = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}: cannot read {path}: {error}.") from None
    if not value:
        raise ImproperlyConfigured(f"{name}: the file {path} is empty.")
    return value


def _keep_secret(name: str, path: Path, value: str) -> None:
    """Written beside its place and linked into it: of two processes that start, one wins."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(value)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} is not set and {path} cannot be made: {error}."
        ) from None
