"""Words as they are compared."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """Words as they are compared: folded, without marks around them, and without accents where people leave them out.

    Accents are dropped from Latin and Arabic letters; in Devanagari they are vowels and stay.
    """
    kept: list[str] = []
    for char in unicodedata.normalize("NFKD", text.replace("’", "'").casefold()).translate(ALIKE):
        kind = unicodedata.category(char)
        if kind == "Nd":
            kept.append(str(unicodedata.decimal(char)))
        elif kind in ("Mn", "Mc"):
            kept.append(char if unicodedata.combining(char) in VOWELS and char not in SELECTORS else "")
        elif kind[0] in "LN" or char == "'":
            kept.append(char)
        elif kind not in ("Me", "Cf"):
            kept.append(" ")
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


ALIKE = str.maketrans({"ى": "ي", "ة": "ه", "ـ": None})
"""Arabic letters that people write one for the other, and the stroke that only stretches a word."""
VOWELS = (0, 7, 9)
"""Combining classes of the signs that are letters where they stand, as in Devanagari; accents have others."""
SELECTORS = tuple(chr(code) for code in range(0xFE00, 0xFE10))
"""What says how a symbol is drawn."""
