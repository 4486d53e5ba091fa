"""Typed reads of environment variables for settings.py. A wrong value names its variable."""

import os
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
POSTGRES_SCHEMES = {"postgres", "postgresql"}


def env_str(name: str, default: str = "") -> str:
    """The value without surrounding blanks; a variable set to nothing counts as unset."""
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, *, default: bool) -> bool:
    value = env_str(name).lower()
    if not value:
        return default
    if value in TRUE | FALSE:
        return value in TRUE
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def env_int(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    text = env_str(name, str(default))
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}.") from None
    if value < minimum or (maximum is not None and value > maximum):
        limits = f"at least {minimum}" if maximum is None else f"{minimum} to {maximum}"
        raise ImproperlyConfigured(f"{name} must be {limits}, not {value}.")
    return value


def env_choice(name: str, default: str, *others: str) -> str:
    value = env_str(name, default).lower()
    if value not in (default, *others):
        raise ImproperlyConfigured(f"{name} must be {' or '.join((default, *others))}.")
    return value


def env_port(name: str, default: int) -> int:
    return env_int(name, default, minimum=1, maximum=65535)


def env_list(name: str, default: str = "") -> list[str]:
    """Comma separated words."""
    return [word.strip() for word in env_str(name, default).split(",") if word.strip()]


def env_networks(name: str, default: str = "") -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(word) for word in env_list(name, default)]
    except ValueError as error:
        message = f"{name} must be networks such as 10.0.0.0/8, separated by commas: {error}."
        raise ImproperlyConfigured(message) from None


def env_directory(name: str, default: Path) -> Path:
    """A directory of our own, made if it is missing: what is in it is not for other users."""
    path = Path(env_str(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: cannot make {path}: {error}.") from None
    return path


def env_url(name: str, default: str) -> str:
    """An http or https address, without its last slash."""
    url = env_str(name, default)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must be an http:// or https:// address.")
    return url.rstrip("/")


def env_secret(name: str, default: str = "") -> str:
    """NAME, or the content of the file that NAME_FILE points to."""
    value, file = env_str(name), env_str(f"{name}_FILE")
    if value and file:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    return _read_secret(f"{name}_FILE", Path(file)) if file else value or default


def env_secret_kept(name: str, path: Path) -> str:
    """As env_secret; a secret that nobody set is made once and kept in the file `path`."""
    if value := env_secret(name):
        return value
    if not path.exists():
        _keep_secret(name, path, secrets.token_urlsafe(48))
    return _read_secret(name, path)


def env_left(path: Path, default: str) -> str:
    """What another process of this installation left in a file, if it did."""
    return (path.read_text().strip() if path.is_file() else "") or default


def env_database_url(name: str, default: str) -> dict[str, Any]:
    """sqlite:///<path> or postgres://user:password@host:port/name as a DATABASES entry."""
    # Not a word of the value in the messages: it may hold a password.
    problem = f"{name} must be sqlite:///<path> or postgres://user:password@host:port/name."
    parts = urlsplit(env_secret(name, default))
    path = unquote(parts.path)[1:]
    if not path:
        raise ImproperlyConfigured(problem)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": path}
    if parts.scheme not in POSTGRES_SCHEMES:
        raise ImproperlyConfigured(problem)
    try:
        port = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} has a port that is not a number.") from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": path,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


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
