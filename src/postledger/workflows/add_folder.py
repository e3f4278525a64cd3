"""A customer adds a public folder."""

import dataclasses
import datetime as dt

from postledger.accounts import queries as accounts
from postledger.accounts.types import Viewer
from postledger.core.errors import Refusal
from postledger.provisioning import operations, queries
from postledger.provisioning.types import ResourceView
from postledger.resources import exchange
from postledger.workflows import _domains, _recipients


class NoFolderAbove(Refusal):
    """The folder is to lie in one that is not there."""

    reason = "no_folder_above"


def add_folder(
    viewer: Viewer, *, account_id: int, folder: exchange.PublicFolder, now: dt.datetime
) -> ResourceView:
    """The folder, ordered; with an address it takes mail.

    Raises:
        NotVisible, NotAllowed: not this viewer's account.
        NoExchange, NotSupported, NameTaken, NoFolderAbove, WrongDomain, PlanLimit, BeyondCeiling, InvalidAddress,
        InvalidResource: the message says what.
    """
    accounts.require_acting(viewer, account_id)
    folder = exchange.validated_folder(spec=folder)
    _domains.organization(viewer, account_id)
    folders = {
        found.key.casefold(): found
        for found in queries.resources_of(viewer, account_id, kind=exchange.PUBLIC_FOLDER)
        if found.is_wanted
    }
    above, _, name = folder.path.rpartition("\\")
    if above and above.casefold() not in folders:
        raise NoFolderAbove(f"There is no folder {above} in which {name} could lie. Add it first.")
    if above:
        folder = dataclasses.replace(folder, path=f"{folders[above.casefold()].key}\\{name}")
    same = folders.get(folder.path.casefold())
    if same is not None and same.key != folder.path:
        raise operations.NameTaken(f"There is a folder {same.key} already. Choose another name.")
    if folder.address:
        _domains.require_domain_of(viewer, account_id=account_id, address=folder.address)
        _recipients.require_free(
            viewer,
            account_id=account_id,
            address=folder.address,
            but_not=same.id if same is not None else None,
        )
    return _recipients.order(
        viewer, account_id=account_id, kind=exchange.PUBLIC_FOLDER, desired=folder, now=now
    )
