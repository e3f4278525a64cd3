"""Every setting there is: name, default, meaning. `docs/reference/settings.md` is tested against this list."""

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Setting:
    """One environment variable.

    Args:
        default: used when the variable is unset or empty; None where the default is worked out (see `meaning`).
    """

    name: str
    meaning: str
    default: str | None = None
    is_secret: bool = False

    def read(self) -> str | None:
        """The value given, else the default."""
        return os.environ.get(self.name) or self.default


HOME = Setting(
    "POSTLEDGER_HOME",
    "Directory for this installation's own files: the built-in database, generated keys, collected static files, mail "
    "that has nowhere to go. Default: `$XDG_DATA_HOME/postledger`, else `~/.local/share/postledger`; the scripts in "
    "`script/` use `var/` in the checkout.",
)
DATABASE_URL = Setting(
    "POSTLEDGER_DATABASE_URL",
    "Address of a PostgreSQL 16 or newer, as libpq reads it: `postgresql://user:password@host:5432/name?sslmode=require`."
    " Default: the built-in PostgreSQL 18 in `POSTLEDGER_HOME`, started when needed.",
    is_secret=True,
)
SECRET_KEY = Setting(
    "POSTLEDGER_SECRET_KEY",
    "Signs sessions and links. Default: made on first start and kept in `POSTLEDGER_HOME/secret_key`, readable by its "
    "owner only. Set it when several machines serve one installation.",
    is_secret=True,
)
ENCRYPTION_KEYS = Setting(
    "POSTLEDGER_ENCRYPTION_KEYS",
    "Fernet keys (32 bytes, URL-safe base64), separated by commas, that encrypt the platform passwords kept in the "
    "database. The first encrypts, all decrypt: put a new key in front to change it. Default: made on first start and "
    "kept in `POSTLEDGER_HOME/encryption_key`. Without it the stored passwords are lost, so back it up.",
    is_secret=True,
)
URL = Setting(
    "POSTLEDGER_URL",
    "The address people use, without a path; links in mail start with it. With `https` cookies are marked secure, plain "
    "HTTP is redirected and browsers are told to stay with HTTPS.",
    "http://127.0.0.1:8000",
)
ALLOWED_HOSTS = Setting(
    "POSTLEDGER_ALLOWED_HOSTS",
    "Host names the panel answers to, separated by commas. Default: the host of `POSTLEDGER_URL` and this machine's own "
    "names for itself (`localhost`, `127.0.0.1`, `[::1]`).",
)
BEHIND_PROXY = Setting(
    "POSTLEDGER_BEHIND_PROXY",
    "`yes` when a reverse proxy you control stands in front and sets `X-Forwarded-Proto` and `X-Forwarded-For` itself. "
    "Otherwise both are ignored.",
    "no",
)
SMTP_URL = Setting(
    "POSTLEDGER_SMTP_URL",
    "Where mail is handed over: `smtp://user:password@host:587` (STARTTLS), `smtps://…:465` (TLS from the start), "
    "`smtp+plain://host:25` (neither). Default: each mail is written to a file in `POSTLEDGER_HOME/mail`.",
    is_secret=True,
)
MAIL_FROM = Setting(
    "POSTLEDGER_MAIL_FROM", "Sender of the mail that no seller sends.", "postledger@localhost"
)
API_RATE = Setting(
    "POSTLEDGER_API_RATE",
    "How many requests a minute one API token may make of one server process before it is answered 429; 0 for no limit.",
    "1200",
)
LOG_LEVEL = Setting(
    "POSTLEDGER_LOG_LEVEL", "`DEBUG`, `INFO`, `WARNING` or `ERROR`; the log goes to standard error.", "INFO"
)

ALL = (
    HOME,
    DATABASE_URL,
    SECRET_KEY,
    ENCRYPTION_KEYS,
    URL,
    ALLOWED_HOSTS,
    BEHIND_PROXY,
    SMTP_URL,
    MAIL_FROM,
    API_RATE,
    LOG_LEVEL,
)


def home() -> Path:
    """The directory of this installation's own files; it may not exist yet."""
    given = HOME.read()
    if given:
        return Path(given).expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser().absolute() / "postledger"


def is_yes(setting: Setting) -> bool:
    """True for yes, true, on and 1."""
    return (setting.read() or "").strip().lower() in ("yes", "true", "on", "1")


def as_list(setting: Setting) -> list[str]:
    """The parts of a comma-separated value, without blanks."""
    return [part.strip() for part in (setting.read() or "").split(",") if part.strip()]


def kept_secret(*, name: str, directory: Path) -> str:
    """The secret in `directory`/`name`: 32 random bytes in URL-safe base64, made when there is none.

    The file is readable by its owner only. Two processes that ask at once get the same secret.
    """
    path = directory / name
    directory.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = directory / f".{name}.{secrets.token_hex(8)}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # refuses where another process was faster, and is never half written
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
