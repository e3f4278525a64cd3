"""Holding the lease on a tree while it is worked on."""

import contextlib
import logging
import threading
from collections.abc import Iterator

from django.db import DatabaseError, connections

from postledger.provisioning import operations
from postledger.provisioning.types import Claim

log = logging.getLogger(__name__)


@contextlib.contextmanager
def held(*, claim: Claim, lease_s: float) -> Iterator[None]:
    """The lease, renewed by a thread of its own until the block ends, and then given back.

    A process that is killed renews nothing, so another worker takes the tree over after `lease_s` at the latest.
    """
    ended = threading.Event()
    keeper = threading.Thread(
        target=_keep, args=(claim, lease_s, ended), name=f"lease-{claim.root_id}", daemon=True
    )
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        operations.release(claim=claim)


def _keep(claim: Claim, lease_s: float, ended: threading.Event) -> None:
    try:
        while not ended.wait(lease_s / 3):
            try:
                operations.renew(claim=claim, lease_s=lease_s)
            except operations.LostLease:
                return
            except DatabaseError:
                log.warning("could not renew the lease on tree %s; it is tried again", claim.root_id)
    finally:
        connections.close_all()
