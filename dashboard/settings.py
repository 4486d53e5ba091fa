"""Every setting, in the order a reader asks. Each environment variable is in the README's table."""

from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from dashboard import env
from dashboard.logs import logging_to_stderr
from dashboard.private import keep_private

# --- Identity -------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent
# Every file the program writes is in here.
DATA_DIR = env.directory("DATA_DIR", BASE_DIR / "var")
keep_private(DATA_DIR)

DEBUG = env.flag("DEBUG", default=False)
# The log-in page offers the demo accounts, and `up` makes them. Time runs at a pace that a person
# can watch.
DEMO = env.flag("DEMO", default=False)
SECRET_KEY = env.kept_secret("SECRET_KEY", DATA_DIR / "secret-key")

HOST = env.text("HOST", "127.0.0.1")
PORT = env.port("PORT", 8000)
# `up` moves on from the others when they are taken.
CHOSEN_PORTS = {name for name in ("PORT", "ENGINE_PORT") if env.text(name)}
LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"]
# Loopback is always among them: health checks ask there, and nobody else can.
ALLOWED_HOSTS = [*env.words("ALLOWED_HOSTS"), *LOOPBACK_NAMES]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- Apps -----------------------------------------------------------------------------------

INSTALLED_APPS = [
    "dashboard",
    "rttm",
    "rttm.engine",
    "django_htmx",
    "template_partials",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

# No GZipMiddleware: it breaks the live stream, and pages carry secrets (CSRF tokens).
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.middleware.PrivatePages",
    "dashboard.unwritten.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.access.tell_session",
]

ROOT_URLCONF = "dashboard.urls"
ASGI_APPLICATION = "dashboard.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.frame",
            ],
        },
    }
]

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
# Django gives collected files these modes, whatever the umask is.
FILE_UPLOAD_PERMISSIONS, FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o600, 0o700
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- Database -------------------------------------------------------------------------------

SQLITE_OPTIONS = {
    # Readers never wait for the writer; a lost power plug costs the last commits, not the file.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    # Wait for the write lock at BEGIN, where waiting helps, instead of failing half-way.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}
POSTGRES_OPTIONS = {"connect_timeout": 3}


def database(name: str, file: str) -> dict[str, Any]:
    """CONN_MAX_AGE stays 0: under ASGI nobody closes the connections of ended threads."""
    entry = env.database(name, f"sqlite:///{DATA_DIR / file}")
    defaults: dict[str, Any] = (
        SQLITE_OPTIONS if "sqlite" in str(entry["ENGINE"]) else POSTGRES_OPTIONS
    )
    return entry | {"OPTIONS": defaults | entry.get("OPTIONS", {}), "CONN_MAX_AGE": 0}


DATABASES = {
    "default": database("DATABASE_URL", "dashboard.sqlite3"),
    # The bundled RTTM service keeps its own truth, as a backend elsewhere would.
    "engine": database("ENGINE_DATABASE_URL", "engine.sqlite3"),
}
DATABASE_ROUTERS = ["rttm.engine.router.EngineRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis ----------------------------------------------------------------------------------

# `up` starts a Valkey of its own, unless this is set, and leaves its address for other commands.
BUNDLED_REDIS = not env.secret("REDIS_URL")
VALKEY_DIR = DATA_DIR / "valkey"
REDIS_LEFT = env.left(VALKEY_DIR / "url", "redis://127.0.0.1:6379/0")
REDIS_URL = env.redis_url("REDIS_URL", REDIS_LEFT)

# --- Celery (the app and its schedule are in dashboard/celery.py) -----------------------------

SYNC_INTERVAL = env.number("SYNC_INTERVAL", 5 if DEMO else 30, minimum=1)  # seconds
REPORTS_PER_SYNC = env.number("REPORTS_PER_SYNC", 20)

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A task that no worker confirmed within this time is handed out again; above every time limit.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 900, "socket_connect_timeout": 2}
# Queueing happens in a request: when Redis is away the person should hear of it at once.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.2}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
# What became of a task is in its Action row.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")

# --- Backend --------------------------------------------------------------------------------

# `up` leaves here where its engine listens, for commands run beside it.
ENGINE_PORT_FILE = DATA_DIR / "engine-port"
DEFAULT_ENGINE_PORT = 8053
ENGINE_PORT = env.port("ENGINE_PORT", env.left_port(ENGINE_PORT_FILE, DEFAULT_ENGINE_PORT))
BUNDLED_ENGINE = not env.text("DYNECT_URL")
DYNECT_URL = env.url("DYNECT_URL", f"http://127.0.0.1:{ENGINE_PORT}")
DYNECT_CUSTOMER = env.text("DYNECT_CUSTOMER", "demo" if BUNDLED_ENGINE else "")
DYNECT_USERNAME = env.text("DYNECT_USERNAME", "dashboard" if BUNDLED_ENGINE else "")
# The bundled engine and its only client agree on a password by a file that only they can read.
DYNECT_PASSWORD = (
    env.kept_secret("DYNECT_PASSWORD", DATA_DIR / "dynect-password")
    if BUNDLED_ENGINE
    else env.secret("DYNECT_PASSWORD")
)

# The demo's nodes: the port where they listen, and after it those where they listened before.
NODES_PORT_FILE = DATA_DIR / "demo-nodes-port"
NODES_PORT = env.left_port(NODES_PORT_FILE, 0)  # 0: the usual one

# The engine's own: only `manage.py engine` reads these.
SECONDS_PER_MINUTE = env.number("SECONDS_PER_MINUTE", 5 if DEMO else 60, minimum=1)
SITE_CODE = env.text("SITE_CODE", "XXX")
ENGINE_SESSION_IDLE = env.number("ENGINE_SESSION_IDLE", 3600, minimum=1)  # seconds
# Calls a minute for the account; 0 is no limit.
RATE_LIMIT = env.number("RATE_LIMIT", 3000 if DEMO else 300)
RETENTION_DAYS = env.number("RETENTION_DAYS", 90, minimum=1)
# A call that takes longer goes on as a job; with 0 every call does, as tests of clients like it.
JOB_AFTER = env.number("JOB_AFTER", 5)  # seconds
JOB_STYLE = env.choice("JOB_STYLE", "redirect", "incomplete")
# A zone comes into being with its first service; off, a service there is NOT_FOUND, as at Dyn.
ENGINE_CREATE_ZONES = env.flag("ENGINE_CREATE_ZONES", default=True)
# Public addresses may be probed; others only where PROBE_ALLOW has them; PROBE_DENY wins.
PROBE_ALLOW = env.networks("PROBE_ALLOW", also="127.0.0.0/8" if DEMO else "")
PROBE_DENY = env.networks("PROBE_DENY")

# --- Mail (of changes, to contacts; into a file until a server is named, and in the demo) -------

EMAIL_HOST = env.text("EMAIL_HOST")
KEEPS_MAILS = DEMO or not EMAIL_HOST
MAIL_FILE = DATA_DIR / "mails.txt"
MAIL_MODULE = "dashboard.mail_file" if KEEPS_MAILS else "django.core.mail.backends.smtp"
EMAIL_BACKEND = f"{MAIL_MODULE}.EmailBackend"
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL", default=False)
EMAIL_PORT = env.port("EMAIL_PORT", 465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD")
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "rttm@localhost")
# The contact `owner` is always there; without an address nobody is told.
OWNER_EMAIL = env.text("OWNER_EMAIL", "owner@example.com" if DEMO else "")

# --- Security -------------------------------------------------------------------------------

AUTH_USER_MODEL = "dashboard.User"
AUTHENTICATION_BACKENDS = ["dashboard.accounts.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
CSRF_FAILURE_VIEW = "dashboard.access.csrf_refused"

# Off only for development, and where `up` listens on loopback without TLS.
SECURE_COOKIES = env.flag("SECURE_COOKIES", default=not DEBUG)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = env.flag("SSL_REDIRECT", default=SECURE_COOKIES)
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", 31_536_000 if SECURE_COOKIES else 0)
# Binding the sub-domains, or the browsers' built-in list, is the domain owner's decision.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# The header in which a proxy that strips it from outside says "https", such as X-Forwarded-Proto.
if header := env.text("PROXY_SSL_HEADER"):
    SECURE_PROXY_SSL_HEADER = (f"HTTP_{header.upper().replace('-', '_')}", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Logging --------------------------------------------------------------------------------

# Each call to the backend is a line at INFO: for who asks for it.
LOG_LEVEL = env.choice("LOG_LEVEL", "info", "debug", "warning", "error", "critical").upper()
LOGGING = logging_to_stderr(LOG_LEVEL, calls=LOG_LEVEL if env.text("LOG_LEVEL") else "WARNING")
