"""Holidays: by country, in the person's language, by a setting that is checked at the start."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from bot import holidays
from bot.reading import read_clock
from bot.settings import Settings

CHRISTMAS = date(2026, 12, 25)


@pytest.mark.parametrize(
    ("place", "language", "name"),
    [
        ("DE", "en", "Christmas Day"),
        ("DE", "ar", "Christmas Day"),  # which the package does not speak
        ("ES", "es", "Natividad del Señor"),
        ("ES", "en", "Christmas Day"),
        ("WS", "es", "Christmas Day"),
        ("XX", "en", None),
        ("none", "en", None),
    ],
)
def test_a_holiday_has_its_name_in_the_language_or_in_english(place: str, language: str, name: str | None) -> None:
    assert holidays._of_year(place, 2026, language).get(CHRISTMAS) == name


def test_a_part_of_a_country_has_its_own() -> None:
    womens_day = date(2026, 3, 8)
    assert womens_day in holidays._of_year("DE-BE", 2026, "en")
    assert womens_day not in holidays._of_year("DE", 2026, "en")


@pytest.mark.parametrize(
    ("setting", "kept"), [("auto", "auto"), ("NONE", "none"), ("de", "DE"), ("de-be", "DE-BE"), ("US-NY", "US-NY")]
)
def test_the_setting(setting: str, kept: str) -> None:
    assert holidays.parsed(setting) == kept


@pytest.mark.parametrize("setting", ["Germany", "DE-XX", "XX", "DE_BE", "DE-", "auto,DE"])
def test_a_setting_that_names_nothing_stops_the_start(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values: dict[str, Any] = {"holidays": setting}
    with pytest.raises(ValidationError, match="says"):
        Settings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("words", "clock"),
    [
        *(("17:00", "17:00"), ("5 pm", "17:00"), ("5pm", "17:00"), ("5:30 p.m.", "17:30"), ("17h", "17:00")),
        *(("at 5", "17:00"), ("05:00", "05:00"), ("5 am", "05:00"), ("1730", "17:30"), ("12 am", "00:00")),
        *(("12 pm", "12:00"), ("8", "08:00"), ("17.15", "17:15"), ("۱۷:۰۰", "17:00"), ("0:15", "00:15")),
        *(("24:00", "00:00"), ("17:60", None), ("25", None), ("-5", None), ("5 or 6", None), ("tea time", None)),
        *(("", None), ("5 sheep", None), ("13 pm", None), ("99999", None), ("5 pm am", None)),
    ],
)
def test_a_time_of_day(words: str, clock: str | None) -> None:
    assert read_clock(words, "en") == clock
