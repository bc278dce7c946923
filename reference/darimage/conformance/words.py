"""Bytes as JSON has them."""

from __future__ import annotations

import base64
from collections.abc import Mapping


def text(value: bytes) -> dict[str, str]:
    """Return bytes as text, or as base64 if they are not UTF-8."""
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def octets(value: Mapping[str, str]) -> bytes:
    """Return the bytes that ``text`` made JSON of."""
    return value["text"].encode() if "text" in value else base64.b64decode(value["base64"])
