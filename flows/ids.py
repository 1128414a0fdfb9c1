"""Ids in the 64 bytes of a button."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID


def short_id(value: UUID) -> str:
    """An id in 22 characters, for a button."""
    return base64.urlsafe_b64encode(value.bytes).rstrip(b"=").decode()


def long_id(value: str) -> UUID | None:
    """The id of a button, or None where it is not one."""
    try:
        found = UUID(bytes=base64.urlsafe_b64decode(value + "=="))
    except (ValueError, binascii.Error):
        return None
    return found if short_id(found) == value else None
