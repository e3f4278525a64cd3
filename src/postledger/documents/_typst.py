"""Turning a document's data into a PDF: the data goes in as JSON, never as source; the fonts are our own.

Invariant: the same data gives the same bytes, on every machine and at any time.
"""

import datetime as dt
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

_HERE = Path(__file__).resolve().parent


def pdf(*, template: str, data: Mapping[str, Any], on: dt.date) -> bytes:
    """The PDF of a template in `templates/`, filled with data; `on` is the date kept in the file."""
    return typst.compile(
        _source(template),
        root=str(_HERE / "templates"),
        font_paths=[str(_HERE / "fonts")],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, sort_keys=True)},
        pdf_standards=["a-3b"],
        timestamp=dt.datetime.combine(on, dt.time(), dt.UTC),
    )


@functools.cache
def _source(template: str) -> bytes:
    return (_HERE / "templates" / template).read_bytes()
