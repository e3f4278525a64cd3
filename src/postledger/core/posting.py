"""What a booking does to the books: balanced legs, debit positive. Invariant: receivable and legs add up to zero."""

Legs = tuple[tuple[str, int], ...]


def invoice(*, total: int, tax: int) -> tuple[int, Legs]:
    """An invoice: the buyer owes the total, of which the tax is owed on; a credit note turns the signs."""
    legs = (("revenue", tax - total), ("tax", -tax)) if tax else (("revenue", -total),)
    return total, legs


def payment(amount: int) -> tuple[int, Legs]:
    """Money received: the buyer owes less."""
    return -amount, (("cash", amount),)


def credit(amount: int) -> tuple[int, Legs]:
    """A credit granted by the seller (M4)."""
    return -amount, (("credits", amount),)


def opening(balance: int) -> tuple[int, Legs]:
    """Where a balance starts; positive is what the seller holds for the buyer."""
    return -balance, (("opening", balance),)
