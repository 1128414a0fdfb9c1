"""Words as they are compared."""

from __future__ import annotations

import unicodedata

ALIKE = str.maketrans({"ى": "ي", "ة": "ه", "ـ": None})
"""Arabic letters that people write one for the other, and the stroke that only stretches a word."""
VOWELS = (0, 7, 9)
"""Combining classes of the signs that are letters where they stand, as in Devanagari; accents have others."""
SELECTORS = tuple(chr(code) for code in range(0xFE00, 0xFE10))
"""What says how a symbol is drawn."""
LETTERS_ALIKE = 4
"""Words are forms of one from so many same first letters on."""
ENDING = 2
"""A word of three letters may have an ending of so many: "get", "gets"."""
FRONT = 3
"""In Arabic so many letters may be joined to the front of a word, of which the last one changes the person."""


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


def holds(said: str, phrases: frozenset[str]) -> bool:
    """Whether words hold one of some phrases; one with a "*" at its end is the beginning of a word."""
    return any(f" {p[:-1]}" in f" {said}" if p.endswith("*") else f" {p} " in f" {said} " for p in phrases)


def alike(word: str, own: str) -> bool:
    """Whether two words are forms of one: "reading" and "read"; in Arabic also behind what is joined to the front."""
    shorter = min(len(word), len(own))
    same = next((i for i in range(shorter) if word[i] != own[i]), shorter)
    if (
        word == own
        or same >= LETTERS_ALIKE
        or (same == shorter >= LETTERS_ALIKE - 1 and abs(len(word) - len(own)) <= ENDING)
    ):
        return True
    if not unicodedata.name(word[0], "").startswith("ARABIC") or shorter < LETTERS_ALIKE:
        return False
    stems = [
        {w[i : i + LETTERS_ALIKE - 1] for i in range(FRONT) if len(w[i:]) >= LETTERS_ALIKE - 1} for w in (word, own)
    ]
    return bool(stems[0] & stems[1])
