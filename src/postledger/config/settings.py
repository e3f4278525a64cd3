"""Django's settings, worked out from the environment. What may be set, and what it means: `environment.py`."""

from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

from postledger.config import embedded, environment

HOME = environment.home()

# ---- secrets
SECRET_KEY = environment.SECRET_KEY.read() or environment.kept_secret(name="secret_key", directory=HOME)
ENCRYPTION_KEYS = environment.as_list(environment.ENCRYPTION_KEYS) or [
    environment.kept_secret(name="encryption_key", directory=HOME)
]  # for passwords of platforms in the database: the first encrypts, all decrypt

# ---- database
DATABASE_SERVER = None if environment.DATABASE_URL.read() else embedded.Server(HOME)  # ours to start, or none
DATABASE_URL = environment.DATABASE_URL.read() or embedded.Server(HOME).url()
_address = {key: str(value) for key, value in conninfo_to_dict(DATABASE_URL).items()}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _address.pop("dbname", embedded.DATABASE),
        "USER": _address.pop("user", ""),
        "PASSWORD": _address.pop("password", ""),
        "HOST": _address.pop("host", ""),
        "PORT": _address.pop("port", ""),
        "OPTIONS": {"connect_timeout": 10, "application_name": "postledger", **_address},
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---- applications
INSTALLED_APPS = [
    "postledger.web",  # before the libraries whose templates it replaces
    "postledger.documents",
    "postledger.worker",
    "postledger.payments",
    "postledger.billing",
    "postledger.usage",
    "postledger.provisioning",
    "postledger.subscriptions",
    "postledger.catalog",
    "postledger.ledger",
    "postledger.accounts",
    "postledger.events",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
    "procrastinate.contrib.django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "postledger.config.headers.middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "postledger.config.urls"
WSGI_APPLICATION = "postledger.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "tasks"  # finds postledger.worker.tasks

# ---- language and time: the house counts in UTC, each seller's time zone is on its account
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

# ---- static files
STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# ---- the address, cookies and headers
PUBLIC_URL = (environment.URL.read() or "").rstrip("/")
_public = urlsplit(PUBLIC_URL)
_is_https = _public.scheme == "https"
ALLOWED_HOSTS = environment.as_list(environment.ALLOWED_HOSTS) or list(
    dict.fromkeys([_public.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"])
)
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if _public.netloc else []
SESSION_COOKIE_NAME = "__Host-postledger" if _is_https else "postledger"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _is_https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _is_https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if environment.is_yes(environment.BEHIND_PROXY):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1

# ---- signing in
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "postledger.web.signing_in.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # users are made by those who run their account, not by strangers
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not _is_https and _public.hostname in ("localhost", "127.0.0.1")
MFA_TOTP_ISSUER = "Postledger"
MFA_TOTP_TOLERANCE = 1  # half a minute either way: telephones' clocks differ

# ---- mail
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.MAIL_FROM.read() or ""
_smtp = urlsplit(environment.SMTP_URL.read() or "")
if _smtp.hostname:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _smtp.hostname
    EMAIL_PORT = _smtp.port or {"smtps": 465, "smtp": 587}.get(_smtp.scheme, 25)
    EMAIL_HOST_USER = unquote(_smtp.username or "")
    EMAIL_HOST_PASSWORD = unquote(_smtp.password or "")
    EMAIL_USE_SSL = _smtp.scheme == "smtps"
    EMAIL_USE_TLS = _smtp.scheme == "smtp"
    EMAIL_TIMEOUT = 30
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = HOME / "mail"

# ---- the API
API_RATE = int(environment.API_RATE.read() or 0)  # requests a minute for each token and process

# ---- logging
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "postledger.config.logs.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": (environment.LOG_LEVEL.read() or "INFO").upper()},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        # These print whole messages, headers or job arguments; passwords pass through all of them.
        **{
            name: {"level": "WARNING"}
            for name in (
                "zeep",
                "httpx",
                "httpcore",
                "urllib3",
                "requests",
                "procrastinate",
                "django.db.backends",
            )
        },
    },
}
