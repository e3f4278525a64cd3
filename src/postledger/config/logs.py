"""Log lines without secrets: the last net, for what slips through; code must not log a secret in the first place."""

import logging
import re

# Names and values as they appear in URLs, headers, XML, JSON, reprs and form bodies.
_PATTERNS = (
    (re.compile(r"(?<=://)[^\s/:@]+:[^\s@/]+(?=@)"), "[hidden]"),
    (re.compile(r"(?i)\b((?:proxy-)?authorization|x-api-key|cookie)(\W{1,4})[^\r\n]+"), r"\1\2[hidden]"),
    (re.compile(r"(?i)(<(?:\w+:)?[\w.]*(?:password|secret|token)[^>]*>)[^<]*"), r"\1[hidden]"),
    (
        re.compile(
            r"""(?ix) ([\w-]* (?:password|passwd|secret|token|api_key|encryption_key) \w* ['"]? \s* [=:] \s*)"""
            r"""(?: '[^']*' | "[^"]*" | [^\s,;&)}\]'"]+ )"""
        ),
        r"\1[hidden]",
    ),
)


def redacted(text: str) -> str:
    """The text with everything that looks like a secret's value replaced by `[hidden]`."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFormatter(logging.Formatter):
    """Formats a record, its traceback included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))
