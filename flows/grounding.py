"""Grounding: whether a line rests on the coachee's own words, and says no date, number, name or link of its own.

The rules, each checked by code on the words alone:

1. A quote is in the turn it is said to be from, as whole words (whitespace, case and typographic marks aside).
2. A line shares a word that means something with the turns it cites, and half of such words are in these, or in what
   the session is about; in the title of a step, two in three. It denies nothing that they do not deny, and it denies
   what a short quote denies.
3. Every number is in a turn it cites, or of its day; 10, the top of every scale, may stand anywhere, and 1 beside a
   level.
4. A day of a month, a weekday and a relative day ("next week") is the day of what it is about, or was said just so.
5. Advice, praise, harm, links and markup are there only if the coachee said them; so are names (where a language
   writes names with a capital).
6. The text is in the coachee's language, in the letters that they write in.

They catch what is made up, not every twist of what was said: that is why each line opens to the words it rests on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date

from flows.comparing import alike, holds, plain
from flows.documents import Citation, Material, SaidTurn
from flows.records import Record

SHORTEST_QUOTE = 4
"""Letters of a quote that is one word of several; a shorter one would be found anywhere."""
SCALE_TOP = 10
LAST_DAY = 31
SHORTEST_MONTH = 5
"""Letters of a month's name that is no other word ("may", "mar")."""
ABOUT = ("topic", "topic_clarify", "topic_clarify_again", "goal_statement")
"""The steps whose words say what the whole session is about."""
STEPS_NAMED = ("step_what", "adjust_what")
MOST_STRANGE, MOST_STRANGE_IN_TITLE = 0.5, 0.34
"""The share of a line's words with a meaning that are not in what it cites, in any form; where a line has so few
words that a share says nothing, it is not looked at."""
FEWEST_WORDS = 3
SHORT_QUOTE = 8
"""Words of a quote of which a line says the whole."""
JOINED = "وفبلك"
"""Letters that Arabic joins to the front of a word."""
OWN_SCRIPT = 0.5
"""The share of letters that a text has in the script of its language; the rest are names and words quoted."""
FOREIGN = re.compile(r"https?:|www\.|[\w-]+\.[a-z]{2,24}\b(?:/\S*)?|(?<!\w)@\w+|\w+_\w+|\*\*|```|\]\(|</?\w+[^>]*>")
"""Links and what a client makes one of, mentions, names of accounts, and markup."""
LONG_NUMBER = re.compile(r"\+?\d(?:[\s().-]?\d){6,}")


class Lexicon(Record):
    """What is to be known of a language to judge a text in it. Words are as `comparing.plain` makes them.

    `function` are the words without a meaning of their own, of every language that shares the script; `ours` those in
    which the coach itself speaks of a session ("rating", "step"); `months` and `weekdays` names from January and
    Monday on; `relative` days that depend on today; `forbidden` advice and praise; `harm` words of harm and contempt.
    """

    language: str
    script: str
    function: dict[str, frozenset[str]]
    months: tuple[frozenset[str], ...]
    weekdays: tuple[frozenset[str], ...]
    relative: frozenset[str]
    negations: frozenset[str]
    ours: frozenset[str]
    forbidden: frozenset[str]
    harm: frozenset[str]


class Footing(Record):
    """What a line stands on: the turns it cites, the words and numbers of those, and the days that it may name."""

    turns: tuple[SaidTurn, ...]
    said: str
    numbers: frozenset[int]
    days: frozenset[date]


class Grounds:
    """What one session gives to stand on. `material` and the words of its language."""

    def __init__(self, material: Material, lexicon: Lexicon) -> None:
        self.material, self.lexicon = material, lexicon
        self.turns = {turn.n: turn for turn in material.turns}
        self.said = _together(material.turns)
        self._raw = " \n ".join(turn.text for turn in material.turns).casefold()
        self._words = frozenset(self.said.split())
        self._small = lexicon.function.get(lexicon.language, frozenset()) | lexicon.ours
        self._calendar = frozenset().union(*lexicon.months, *lexicon.weekdays)
        self._about = [turn for turn in material.turns if turn.step in ABOUT]

    def citation(self, turn: int, quote: str) -> Citation | None:
        """The words of a turn that a quote names, as they stand there; None where they are not in it."""
        given = self.turns.get(turn)
        if given is None:
            return None
        found = quoted(given.text, quote)
        return Citation(turn=turn, quote=found, about=given.step) if found else None

    def faults(
        self, text: str, citations: Sequence[Citation], *, days: Iterable[date] = (), title: bool = False
    ) -> list[str]:
        """What speaks against a line, in words for its writer.

        `days` are those it may name besides the days of the turns it cites: an item's own. In the `title` of a step
        nearly every word must be the coachee's.
        """
        footing = self.footing(citations, days)
        if not footing.turns:
            return ["it cites no turn whose words hold its quote"]
        found = [*self.dates(text, footing), *self._foreign(text), *self._harmful(text, footing)]
        return [*found, *self._undenied(text, tuple(citations)), *self._unlike(text, footing, title=title)]

    def faults_of_suggestion(self, text: str) -> list[str]:
        """What speaks against something that the coachee did not say."""
        footing = Footing(turns=(), said=self.said, numbers=frozenset(_numbers(self._raw)), days=frozenset())
        return [*self.dates(text, footing), *self._foreign(text), *self._harmful(text, footing)]

    def faults_of_theme(self, text: str) -> list[str]:
        """What speaks against a heading: half of its words are the coachee's, from wherever."""
        found = self.faults_of_suggestion(text)
        strange = self._strange(text, self._words)
        if len(strange) > MOST_STRANGE * len(self._meaning(text)):
            found.append(f"nobody said {', '.join(strange[:5])}")
        return found

    def dates(self, text: str, footing: Footing) -> list[str]:
        """The numbers, days and relative days in a text that it has no ground for."""
        made_up = sorted(_numbers(text) - footing.numbers)
        faults = [f"the number {number} is not in the turns it cites" for number in made_up]
        words = plain(text).split()
        for i, word in enumerate(words):
            month = next((n for n, names in enumerate(self.lexicon.months, 1) if word in names), None)
            near = self._beside(words, i) if month is not None else []
            alone = month is not None and not near and len(word) >= SHORTEST_MONTH and word not in self._small
            if alone and f" {word} " not in f" {footing.said} " and all(d.month != month for d in footing.days):
                faults.append(f"{word} is not in the turns it cites")
            known = any((n, month) == (day.day, day.month) for n in near for day in footing.days)
            if near and not known and not any(_just_so(footing.said, n, word) for n in near):
                faults.append(f"{near[0]} {word} is not the day of what it is about")
            weekday = next((n for n, names in enumerate(self.lexicon.weekdays) if word in names), None)
            own = weekday is None or any(day.weekday() == weekday for day in footing.days)
            if not own and f" {word} " not in f" {footing.said} ":
                faults.append(f"{word} is not the day of what it is about")
        said = f" {' '.join(words)} "
        relative = [p for p in self.lexicon.relative if f" {p} " in said and f" {p} " not in f" {footing.said} "]
        return faults + [f"{phrase!r} is not in the turns it cites" for phrase in relative]

    def footing(self, citations: Iterable[Citation], days: Iterable[date] = ()) -> Footing:
        """What a line with these citations stands on."""
        turns = tuple({c.turn: self.turns[c.turn] for c in citations if c.turn in self.turns}.values())
        named = frozenset({*days, *(turn.day for turn in turns if turn.day is not None)})
        levels = {turn.value for turn in turns if isinstance(turn.value, int)}
        numbers = {SCALE_TOP, *levels, *({1} if levels else ())}
        for turn in turns:
            numbers |= _numbers(turn.text)
        for day in named:
            numbers |= {day.day, day.month, day.year}
        if any(turn.step in STEPS_NAMED for turn in turns):
            numbers |= set(range(len(self.material.steps) + 1))
        return Footing(turns=turns, said=_together(turns), numbers=frozenset(numbers), days=named)

    def _beside(self, words: list[str], i: int) -> list[int]:
        """The numbers beside a month's name, small words between them not counted."""
        found = []
        for step in (-1, 1):
            j = i + step
            if 0 <= j < len(words) and words[j] in self._small:
                j += step
            if 0 <= j < len(words) and words[j].isdecimal() and int(words[j]) <= LAST_DAY:
                found.append(int(words[j]))
        return found

    def _harmful(self, text: str, footing: Footing) -> list[str]:
        """Harm, and what runs somebody down, is said only as the coachee said it, denied where they denied it."""
        said = plain(text)
        words = [p for p in sorted(self.lexicon.harm) if holds(said, frozenset({p}))]
        if not words:
            return []
        same = all(holds(footing.said, frozenset({p})) for p in words)
        return [] if same and self._denies(said) == self._denies(footing.said) else [f"it speaks of harm: {words[0]}"]

    def _denies(self, said: str) -> bool:
        return any(word in self.lexicon.negations for word in said.split())

    def _foreign(self, text: str) -> list[str]:
        said, faults = plain(text), []
        if any(found.casefold() not in self._raw for found in (*FOREIGN.findall(text), *LONG_NUMBER.findall(text))):
            faults.append("a link, a number to call or markup has no place in it")
        for phrase in sorted(self.lexicon.forbidden):
            if f" {phrase} " in f" {said} " and f" {phrase} " not in f" {self.said} ":
                faults.append(f"advice or praise that the coachee did not say: {phrase}")
                break
        return faults

    def _unlike(self, text: str, footing: Footing, *, title: bool) -> list[str]:
        faults = []
        own = frozenset(footing.said.split())
        meaning = self._meaning(text)
        told = _numbers(text) & {turn.value for turn in footing.turns if isinstance(turn.value, int)}
        told |= _numbers(text) & {day.day for day in footing.days}
        if meaning and not told and not any(alike(word, one) for word in meaning for one in own):
            faults.append("it has no word of the turns it cites")
        if told and all(turn.day or isinstance(turn.value, int) for turn in footing.turns):
            return faults  # a level or a day: there are no words of theirs to compare with
        pool = own | frozenset(_together(self._about).split())
        strange = self._strange(text, pool)
        most = MOST_STRANGE_IN_TITLE if title else MOST_STRANGE
        if len(strange) > most * len(meaning) and (title or len(meaning) >= FEWEST_WORDS):
            faults.append(f"too few of its words are in the turns it cites: {', '.join(strange[:5])} are not")
        denied = [word for word in plain(text).split() if word in self.lexicon.negations]
        if denied and not own & self.lexicon.negations:
            faults.append(f"{denied[0]!r}: the turns it cites deny nothing")
        faults.extend(f"nobody named {name}" for name in self._names(text))
        return faults

    def _undenied(self, text: str, citations: tuple[Citation, ...]) -> list[str]:
        """A line about one short quote that denies something must deny it too."""
        [first, *more] = citations
        quote = plain(first.quote)
        if more or len(quote.split()) > SHORT_QUOTE or not self._denies(quote) or self._denies(plain(text)):
            return []
        return ["its quote denies something, and it does not"]

    def _strange(self, text: str, pool: frozenset[str]) -> list[str]:
        return [word for word in self._meaning(text) if not any(alike(word, one) for one in pool)]

    def _meaning(self, text: str) -> list[str]:
        words = [word for word in plain(text).split() if not any(char.isdecimal() for char in word)]
        return [w for w in words if w not in self._small and w not in self._calendar]

    def _names(self, text: str) -> list[str]:
        """Words with a capital inside a sentence that the coachee did not say."""
        if self.lexicon.script != "LATIN":
            return []
        names = []
        for match in re.finditer(r"(?<=[^\W_][ ,;])\s*([^\W\d_]\w+)", text):
            word = match.group(1)
            known = plain(word)
            small = not word[0].isupper() or known in self._small or known in self._calendar
            if not small and not any(alike(known, one) for one in self._words):
                names.append(word)
        return names


def _together(turns: Iterable[SaidTurn]) -> str:
    return " \n ".join(plain(turn.text) for turn in turns)


def _just_so(said: str, number: int, month: str) -> bool:
    """Whether a day of a month was named in just these words."""
    day, name = str(number), re.escape(month)
    return re.search(rf"(?<!\S)(?:{day} (?:\S+ )?{name}|{name} (?:\S+ )?{day})(?!\S)", said) is not None


def quoted(text: str, quote: str) -> str:
    """The words of a text that a quote names, as they stand in the text; "" where it does not hold them.

    Whitespace, case and the marks around words do not matter; whole words do, so that "art" is not in "start".
    """
    spans, wanted = _word_spans(text), [word for word, _, _ in _word_spans(quote)]
    if not wanted:
        return ""
    if len(wanted) == 1 and len(spans) > 1 and len(wanted[0]) < SHORTEST_QUOTE and not wanted[0].isdecimal():
        return ""
    for i in range(len(spans) - len(wanted) + 1):
        (first, start, _), rest = spans[i], [word for word, _, _ in spans[i + 1 : i + len(wanted)]]
        joined = first[:1] in JOINED and first[1:] == wanted[0]
        if rest == wanted[1:] and (first == wanted[0] or joined):
            return text[start : spans[i + len(wanted) - 1][2]]
    return ""


def _word_spans(text: str) -> list[tuple[str, int, int]]:
    """The words of a text as they are compared, each with where it stands. Marks are no words; emoji are."""
    words: list[tuple[str, int, int]] = []
    start = None
    for i, char in enumerate((*text, " ")):
        inside = unicodedata.category(char)[0] in "LNM" or unicodedata.category(char) in ("So", "Cf", "Sk")
        if inside and start is None:
            start = i
        elif not inside and start is not None:
            folded = unicodedata.normalize("NFKC", text[start:i]).casefold()
            words.append((folded, start, i))
            start = None
    return words


def _share(text: str, script: str) -> float:
    """The share of a text's letters that are in a script."""
    letters = [char for char in text if char.isalpha()]
    own = sum(1 for char in letters if unicodedata.name(char, "").startswith(script))
    return own / len(letters) if letters else 1.0


def in_language(texts: Iterable[str], lexicon: Lexicon, said: str) -> bool:
    """Whether texts are in a language: by their script, and by which language's small words they use.

    `said` is what the coachee wrote: their letters count as the language's.
    """
    whole = " ".join(texts)
    if _share(whole, lexicon.script) < OWN_SCRIPT and _share(said, lexicon.script) >= OWN_SCRIPT:
        return False  # who writes Hindi in Latin letters may be answered in them
    words = plain(whole).split()
    hits = {language: sum(1 for w in words if w in small) for language, small in lexicon.function.items()}
    return hits.get(lexicon.language, 0) >= max(hits.values(), default=0)


def _numbers(text: str) -> set[int]:
    """The whole numbers in a text, in any script's digits. Very long ones are no numbers but digits."""
    return {int(found) for found in re.findall(r"\d+", text) if len(found) < 10}
