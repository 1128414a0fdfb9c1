"""Telephone numbers, as people write them."""

from __future__ import annotations

import phonenumbers

LONGEST = 40
"""Characters of what can be a number with whatever people put between its digits."""


def phone_in(text: str, country: str | None) -> str | None:
    """The number that a text is, as it is dialled from anywhere ("+49 30 123456"); None where it is none.

    `country` (ISO 3166) is where one without a country's code belongs.
    """
    if len(text) > LONGEST:
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
