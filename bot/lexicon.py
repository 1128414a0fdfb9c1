"""The words by which `flows.grounding` judges a text in a language, from the catalogues and Unicode's tables."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale
from babel.dates import get_day_names, get_month_names

from bot.texts import entries, known, languages, listed
from flows.comparing import plain
from flows.grounding import Lexicon

SCRIPTS = {"hi": "DEVANAGARI", "ar": "ARABIC"}
"""The script of a language, as the names of its letters begin in Unicode; Latin where it is not here."""
CONTEXTS = ("format", "stand-alone")
OURS = ("plain.", "metric.", "about.", "summary.metric", "stage.")
"""What those texts' keys begin with."""
WIDTHS = ("wide", "abbreviated")


@cache
def lexicon(language: str) -> Lexicon:
    """The lexicon of a language."""
    script = SCRIPTS.get(language, "LATIN")
    alike = [code for code in languages() if SCRIPTS.get(code, "LATIN") == script]
    locale = Locale.parse(language)
    return Lexicon(
        language=language,
        script=script,
        function={code: known("ear.function", code) | known("ear.negations", code) for code in alike},
        months=tuple(
            frozenset(
                plain(get_month_names(width, context, locale)[n])  # type: ignore[arg-type]
                for width in WIDTHS
                for context in CONTEXTS
            )
            for n in range(1, 13)
        ),
        weekdays=tuple(
            frozenset(plain(get_day_names("wide", context, locale)[n]) for context in CONTEXTS)  # type: ignore[arg-type]
            for n in range(7)
        ),
        relative=frozenset(
            plain(name.split("=")[0]) for name in listed("date.days", language) if not name.endswith("=0")
        )
        | known("date.next_week", language)
        | known("date.relative", language),
        negations=known("ear.negations", language),
        ours=_ours(language),
        forbidden=known("summary.forbidden", language),
        harm=frozenset(phrase for phrase in known("ear.harm", language) if " " not in phrase),
    )


def _ours(language: str) -> frozenset[str]:
    """The words of those texts of ours that speak of a session: the plain writer's lines, the names of the fields."""
    texts = (text for key, text in entries(language) if key.startswith(OURS))
    words = (word for text in texts for word in plain(re.sub(r"\{[^}]*\}", " ", text)).split())
    return frozenset(word for word in words if not word.isdecimal())
