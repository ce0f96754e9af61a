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
# Of its own, so that another product on the same broker neither takes our ticks nor sends us its.
CELERY_TASK_DEFAULT_QUEUE = "due"
CELERY_TASK_IGNORE_RESULT = True
# Without results there is nothing to clean up, which beat would do by a crontab.
CELERY_RESULT_EXPIRES = None
# Plain JSON only: what somebody else puts into the broker cannot be run.
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_SOFT_TIME_LIMIT = 120
CELERY_TASK_TIME_LIMIT = 180
# Beat gives a tick up soon: the next one comes in a second.
CELERY_TASK_PUBLISH_RETRY = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.2}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = env.broker_options(CELERY_BROKER_URL, VAR)
# More than twice the hard limit, in all three places that Celery's documentation names.
CELERY_VISIBILITY_TIMEOUT = env.VISIBILITY_TIMEOUT
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": env.VISIBILITY_TIMEOUT}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "config.beat.Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
# Every kind of due work ticks once a second; a doorbell after commit makes it quicker.
# The names are those of reps.due.jobs; a test holds the two lists equal.
DUE_JOBS = [
    "outbox",
    "imports",
    "intake",
    "route",
    "duplicates",
    "enrich",
    "late_data",
    "rules",
    "lint",
    "weights",
    "cover",
    "scores",
    "covers",
    "offboarding",
    "requests",
    "disputes",
    "pauses",
    "clocks",
    "feeds",
    "simulations",
    "territory_plans",
    "realignments",
    "studies",
    "routines",
]
CELERY_BEAT_SCHEDULE = {
    f"due-{name}": {"task": "reps.drain", "schedule": 1.0, "kwargs": {"job": name}}
    for name in DUE_JOBS
}

# --- Who notices ------------------------------------------------------------------------
# The loops whose silence is a fault even if they were never heard: what drives, and what looks
# whether it does. Without a broker there is no Celery to wait for.
EXPECTED_LOOPS = env.words(
    "EXPECTED_LOOPS",
    ("" if CELERY_BROKER_URL == "memory://" else "celery,beat,") + "sweep,watch,auditor,canary",
)
if TESTING:
    EXPECTED_LOOPS = []
# After a restore: nothing is sent and no clock fires until somebody releases it.
RESTORE_MODE = env.flag("RESTORE_MODE", default=False)

# --- History ----------------------------------------------------------------------------
SIMPLE_HISTORY_REVERT_DISABLED = True
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = True
# Where the seal of each day of the trail is kept as well, outside of the database; "": nowhere.
AUDIT_ANCHOR_FILE = env.text("AUDIT_ANCHOR_FILE", "")
# Who was erased, kept outside of the database and its backups, for a restore to repeat.
ERASURE_LEDGER = env.text("ERASURE_LEDGER", str(VAR / "erasures.log"))

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
        "TerritoryPlanStateEnum": "accounts.models.TerritoryPlan.State",
        "TerritoryPlanLeadsEnum": "accounts.models.TerritoryPlan.Leads",
        "TerritoryStudyStateEnum": "routing.models.TerritoryStudy.State",
        "TerritoryStudyKindEnum": "routing.models.TerritoryStudy.Kind",
        "RuleSetStateEnum": "routing.models.RuleSet.State",
        "OffboardingStateEnum": "routing.models.Offboarding.State",
        "OffboardingItemStateEnum": "routing.models.OffboardingItem.State",
        "WayEnum": "routing.models.offboarding.Way",
        "CoverWhatEnum": "accounts.models.Cover.What",
        "ClockStateEnum": "sla.models.Clock.State",
        "ModeEnum": "routing.models.source.Mode",
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
# Nothing leaves: the outbox keeps and shows what would have been sent. So in the demo.
OUTBOX_KEEPS = env.flag("OUTBOX_KEEPS", default=DEMO)
# The hosts that webhooks of these providers may have; a dot in front means "ends with".
SLACK_HOSTS = env.words("SLACK_HOSTS", "hooks.slack.com,hooks.slack-gov.com")
TEAMS_HOSTS = env.words(
    "TEAMS_HOSTS", ".logic.azure.com,.api.powerplatform.com,.webhook.office.com"
)
# Messages are posted to public addresses at port 443 only. These hosts, each with its port
# ("relay.intern:8443"), are posted to although they lie inside, by plain HTTP too.
HOOK_HOSTS_INSIDE = env.words("HOOK_HOSTS_INSIDE")
# Secrets that others sign with; several while a new one replaces the old, any of them will do.
# With one, buttons in Slack act at once (/hooks/slack/); without, they are links.
SLACK_SIGNING_SECRETS = env.words("SLACK_SIGNING_SECRET")
# Of a Teams outgoing webhook, so that "ack …" in a channel acts (/hooks/teams/).
TEAMS_OUTGOING_SECRETS = env.words("TEAMS_OUTGOING_SECRET")
# SMS and WhatsApp, by Twilio or by whoever speaks its Messages API.
TWILIO_API = env.text("TWILIO_API", "https://api.twilio.com").rstrip("/")
TWILIO_ACCOUNT_SID = env.text("TWILIO_ACCOUNT_SID", "")
# The first signs in there; what comes from there may be signed with any.
TWILIO_AUTH_TOKENS = env.words("TWILIO_AUTH_TOKEN")
# A number in E.164 form, or a messaging service (MG…).
TWILIO_SMS_FROM = env.text("TWILIO_SMS_FROM", "")
TWILIO_WHATSAPP_FROM = env.text("TWILIO_WHATSAPP_FROM", "")
# The approved template that WhatsApp wants for messages that nobody asked for (HX…).
TWILIO_WHATSAPP_CONTENT_SID = env.text("TWILIO_WHATSAPP_CONTENT_SID", "")
# Web push: the key that browsers know us by. Without it one is made in var/vapid.pem.
VAPID_PRIVATE_KEY = env.text("VAPID_PRIVATE_KEY", "")
# Whom a push service writes to when something is wrong: mailto: or https:.
VAPID_SUBJECT = env.text("VAPID_SUBJECT", "")
# Calendars are read from the public internet only. These hosts, each with its port
# ("calendar.intern:443"), are read although they lie inside, by plain HTTP too.
FEED_HOSTS_INSIDE = env.words("FEED_HOSTS_INSIDE")
# Providers of data about leads are asked at public addresses, port 443. These hosts, each with its
# port ("data.intern:8443"), are asked although they lie inside, by plain HTTP too.
ENRICHMENT_HOSTS_INSIDE = env.words("ENRICHMENT_HOSTS_INSIDE")
# Keys of such providers: ENRICHMENT_SECRET_ACME is ${ACME} in the headers of one.
ENRICHMENT_SECRETS = env.beginning("ENRICHMENT_SECRET_")
