"""Price before the click: what a change books is shown, and only the change that was seen is made."""

from collections.abc import Callable, Sequence

from django.http import HttpResponse
from django.urls import reverse

from postledger.accounts.types import AccountView
from postledger.billing.types import ProposalView
from postledger.web.door import Ask


def confirmed(
    ask: Ask,
    account: AccountView,
    act: Callable[..., ProposalView],
    *,
    title: str,
    words: str,
    button: str,
    done: str,
    to: str,
    remarks: Sequence[str] = (),
) -> HttpResponse:
    """The page that shows what the change books, or, once its button was pressed, the page after the change.

    When the price is another one by then, the new one is shown and nothing is changed.

    Args:
        act: makes the change; with `preview=True` it only tells what it would book.
        to: name of the page to go to afterwards, and back to.
    Raises:
        Refusal: nothing was changed.
    """
    proposal = act(preview=True)
    seen = f"{proposal.total_text} {proposal.currency} {len(proposal.lines)}"
    is_pressed = ask.request.POST.get("confirm") == "yes"
    if is_pressed and ask.request.POST.get("seen") == seen:
        act(preview=False)
        return ask.done(done, to, account_id=account.id)
    given = [
        (name, value)
        for name, values in ask.request.POST.lists()
        for value in values
        if name not in ("csrfmiddlewaretoken", "confirm", "seen")
    ]
    return ask.page(
        "panel/confirm.html",
        account=account,
        title=title,
        words=words,
        button=button,
        proposal=proposal,
        seen=seen,
        given=given,
        remarks=remarks,
        notice="The price has changed meanwhile. Look at it again." if is_pressed else "",
        back=reverse(to, kwargs={"account_id": account.id}),
        total_label="To be credited" if proposal.total < 0 else "To be charged now",
    )
