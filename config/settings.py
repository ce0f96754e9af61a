"""
Settings: one file for every place; environments differ by variables, see `.env.example`.

Without any variable the product runs on its embedded default (SQLite and an embedded
broker, started by `config/launch.py`).
"""

import sys
import zoneinfo

from config import env
from config.env import BASE_DIR

VAR = BASE_DIR / "var"
TESTING = "pytest" in sys.modules

# --- Who may reach it -------------------------------------------------------------------
DEMO = env.flag("DEMO", default=False)
DEBUG = env.flag("DEBUG", default=False)
# The embedded default has a key of its own, kept out of the repository in var/; see checks.py
# for what production refuses.
SECRET_KEY = env.secret_key(VAR / "secret_key")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
BASE_URL = env.text("BASE_URL", f"http://127.0.0.1:{env.number('PORT', 8000)}").rstrip("/")
HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
# Whoever asks after our health asks this process, not the proxy with the certificate.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if env.flag("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- What it is made of -----------------------------------------------------------------
INSTALLED_APPS = [
    "config.apps.BackOfficeConfig",
    # our apps, highest first: imports point down
    "sla",
    "routing",
    "accounts",
    "reps",
    # admin
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "config.apps.BackOfficeAdminConfig",
    "simple_history",
    # framework
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.security.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "reps.middleware.TimeZoneMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
                "config.context.shell",
            ],
            "builtins": ["routing.templatetags.ui"],
        },
    }
]

# --- Where it keeps things --------------------------------------------------------------
DATABASES = {
    "default": env.database(
        env.text("DATABASE_URL", f"sqlite:///{VAR}/db.sqlite3"), durable=not TESTING
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Who people are ---------------------------------------------------------------------
AUTH_USER_MODEL = "reps.User"
AUTHENTICATION_BACKENDS = ["reps.backends.PasswordBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
if TESTING:
    # Tests sign in hundreds of people; a slow hash would be most of what they do.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# --- Language and time ------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
# The pinned tzdata, the same on every machine, instead of whatever the system carries.
zoneinfo.reset_tzpath(to=[])

# --- Files ------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# --- Mail -------------------------------------------------------------------------------
EMAIL_CONFIG = env.mail(env.text("EMAIL_URL", "consolemail://"))
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("FROM_EMAIL", "routing@localhost")

# --- Work in the background -------------------------------------------------------------
# Rows are the promise; the broker only carries wake-ups (docs/adr/0001).
CELERY_BROKER_URL = env.text("BROKER_URL", "memory://")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_SOFT_TIME_LIMIT = 120
CELERY_TASK_TIME_LIMIT = 180
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = env.broker_options(CELERY_BROKER_URL, VAR)
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
# Every kind of due work ticks once a second; a doorbell after commit makes it quicker.
# The names are those of reps.due.jobs; a test holds the two lists equal.
DUE_JOBS = [
    "outbox",
    "imports",
    "intake",
    "route",
    "rules",
    "lint",
    "weights",
    "cover",
    "clocks",
    "feeds",
    "simulations",
]
CELERY_BEAT_SCHEDULE = {
    f"due-{name}": {"task": "reps.drain", "schedule": 1.0, "kwargs": {"job": name}}
    for name in DUE_JOBS
}

# --- History ----------------------------------------------------------------------------
SIMPLE_HISTORY_REVERT_DISABLED = True
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = True

# --- API --------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "routing.tokens.SourceKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["config.api.IsSignedIn"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "config.api.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.problem",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Lead routing",
    "VERSION": "1",
    "DESCRIPTION": "Every lead to the right rep in seconds, with the reason why.",
    "SERVE_PERMISSIONS": ["config.api.IsSignedIn"],
    "COMPONENT_SPLIT_REQUEST": True,
    # Names for choices that several models call "role" or "state".
    "ENUM_NAME_OVERRIDES": {
        "RepRoleEnum": "reps.models.Rep.Role",
        "AccountRoleEnum": "accounts.models.AccountOwner.Role",
        "LeadPlaceEnum": "routing.models.Lead.Place",
        "LeadStateEnum": "routing.models.Lead.State",
        "RuleSetStateEnum": "routing.models.RuleSet.State",
        "ClockStateEnum": "sla.models.Clock.State",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Admin ------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "Routing",
    "SITE_HEADER": "Routing",
    "SITE_SYMBOL": "alt_route",
    "SHOW_HISTORY": True,
    "COLORS": {
        "primary": {
            "50": "#edf0fc",
            "100": "#dbe1f9",
            "200": "#b7c3f3",
            "300": "#aab8ff",
            "400": "#93a5ff",
            "500": "#5c73de",
            "600": "#3550c8",
            "700": "#2c45b4",
            "800": "#2a41aa",
            "900": "#1f2644",
            "950": "#0e1433",
        }
    },
}

# --- Logs -------------------------------------------------------------------------------
# Ids only: no personal data ever reaches a log line.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "WARNING")},
}

# --- Whom it talks to -------------------------------------------------------------------
# The hosts that a Slack webhook may have; tests add their local receiver.
SLACK_HOSTS = env.words("SLACK_HOSTS", "hooks.slack.com")
# Calendars are read from the public internet only. These hosts, each with its port
# ("calendar.intern:443"), are read although they lie inside, by plain HTTP too.
FEED_HOSTS_INSIDE = env.words("FEED_HOSTS_INSIDE")
