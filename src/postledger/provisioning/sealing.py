"""Secrets of connections, encrypted at rest with Fernet. The first key encrypts, all of them decrypt."""

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from postledger.core.errors import NeedsOperator


def sealed(values: Mapping[str, str]) -> str:
    """The values as one encrypted token."""
    return _fernet().encrypt(json.dumps(dict(values)).encode()).decode()


def opened(token: str) -> dict[str, str]:
    """The values `sealed` was given; of an empty token, none.

    Raises:
        NeedsOperator: none of the keys fits.
    """
    if not token:
        return {}
    try:
        return json.loads(_fernet().decrypt(token.encode()))
    except InvalidToken:
        raise NeedsOperator(
            "The stored password of a connection cannot be decrypted: the encryption key is another one now. Put the "
            "old key back behind the new one, or enter the password again.",
            reason="encryption_key_missing",
        ) from None


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
