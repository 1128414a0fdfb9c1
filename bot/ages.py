"""From which age a person may agree for themselves, by the country of their time zone.

The table is a help and no legal advice; CONSENT_AGES goes before it. Where it does not know a country, or a zone has
none, the age is the highest that Europe's law has. Sources: docs/operating.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from babel.core import get_global

ELSEWHERE = 16
"""Art. 8 (1) GDPR, where a country has not set another age."""
AGES: dict[str, int] = {
    **dict.fromkeys(("BE", "EE", "FI", "GB", "IS", "LV", "MT", "PT", "SE", "US"), 13),
    **dict.fromkeys(("AT", "BG", "CN", "CY", "ES", "IT", "KR", "LT"), 14),
    **dict.fromkeys(("CZ", "DK", "FR", "GR", "SI"), 15),
    **dict.fromkeys(("DE", "HR", "HU", "IE", "LI", "LU", "NL", "PL", "RO", "SK"), 16),
    "IN": 18,
}
"""By the code of the country (ISO 3166)."""
OLDEST = 21


def parsed(setting: str) -> dict[str, int]:
    """The ages of a setting like "DE:16,AT:14". Raises ValueError where it says something else."""
    found: dict[str, int] = {}
    for entry in filter(None, (part.strip() for part in setting.split(","))):
        named = re.fullmatch(r"([A-Za-z]{2})\s*:\s*([0-9]{1,2})", entry)
        if named is None or int(named[2]) > OLDEST:
            raise ValueError(f"says {entry!r}; it takes countries with ages up to {OLDEST}, like DE:16,AT:14")
        found[named[1].upper()] = int(named[2])
    return found


@cache
def country(zone: str) -> str | None:
    """The country of a time zone; None where it has none, like UTC."""
    territories = get_global("zone_territories")
    found = territories.get(zone) or territories.get(get_global("zone_aliases").get(zone, ""))
    return str(found) if found and found not in ("001", "ZZ") else None


def consent_age(zone: str, own: Mapping[str, int]) -> int:
    """The age from which a person in a time zone may agree for themselves. `own` goes before the table."""
    here = country(zone) or ""
    return own.get(here, AGES.get(here, ELSEWHERE))
