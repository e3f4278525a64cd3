"""The only reader of the system clock; doors read it and pass `now` down."""

import datetime as dt


def now() -> dt.datetime:
    """The present instant, aware, in UTC."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251 - the one place
