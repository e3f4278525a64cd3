"""Passwords that every installation takes and nobody could guess.

Invariant: between the shortest and the longest the portals' default policies allow, with every kind of sign they ask
for, and none that HTTP credentials, forms or older services stumble over.
"""

import secrets
import string

from postledger.connectors import contract

LENGTH = 18
_SIGNS = "!#*-=?@_"
_KINDS = (string.ascii_uppercase, string.ascii_lowercase, string.digits, _SIGNS)


def fresh() -> contract.Secret:
    """A random password of 18 characters, more than 100 bits."""
    chosen = [secrets.choice(kind) for kind in (*_KINDS, string.digits, _SIGNS)]
    every = "".join(_KINDS)
    chosen += [secrets.choice(every) for _ in range(LENGTH - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return contract.Secret("".join(chosen))
