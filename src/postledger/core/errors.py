"""Refusals, and the stop that asks for a person.

Invariant: the message of each is fit to be shown as it stands. It says what happened, to which object, and what to do
next. A program tells them apart by `reason`, never by the text.
"""


class Refusal(Exception):
    """A request that was understood and will not be carried out as it stands.

    Raise a subclass that lives beside the function which refuses. `reason` is a stable lower-case code: given as class
    attribute, or for one raise where a class covers several reasons.
    """

    reason: str = "refused"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if reason is not None:
            self.reason = reason

    def __str__(self) -> str:
        return self.message


class NeedsOperator(Exception):
    """Work that stops until a person has decided or repaired something.

    Args:
        message: what was found and what the person can do.
        reason: stable lower-case code, such as `unexpected_deletion`.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason

    def __str__(self) -> str:
        return self.message
