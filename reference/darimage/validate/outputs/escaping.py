"""Text from anywhere, made fit for XML and HTML."""

from __future__ import annotations

import html
import re

from darimage.showing import xml_for_log

_NOT_TEXT = re.compile("[^\t\n -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """Return a text with the replacement character for what XML or HTML cannot hold."""
    return _NOT_TEXT.sub("\ufffd", text)


def escape(text: str) -> str:
    """Return a text as it stands in HTML, also within quotes."""
    return xml_for_log(html.escape(printable(text)))
