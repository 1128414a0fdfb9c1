"""Every language says all that English says, in the same manner, and understands what is said in it.

The catalogues are written by people who know the language; what can be told by a rule is told here. Tables below hold
what a rule needs to know of a language. A language is not served before all of this holds for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from string import Formatter
from typing import Any, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.dates import get_day_names, get_month_names
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bot.parse import CONTROLS, LONGEST_CONTROL, said
from bot.reading import LONGEST_PHRASE, language_named, read_day, read_deadline, read_number
from bot.reading import read as read_event
from bot.texts import LOCALES, catalogue, known, languages, listed, words
from bot.texts import Day as Written
from flows.comparing import plain
from flows.effects import Text
from flows.events import CommandSent, Reading, Sender, TextSent
from flows.menu import LANGUAGES
from flows.plans import ITEM_CODES
from flows.questions import BANK, CHECK, Tag
from flows.state import Chat, Conversation, Person, Position, Session, StageAnswers
from flows.steps import STEPS, Day, Several, Stage, Step, Words

SOME_ID = UUID(int=7)
NOW = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)
HERE = NOW.astimezone(ZoneInfo("Europe/Berlin"))
"""A Monday, five past five in the afternoon."""
FRIDAY = date(2026, 11, 27)
LISTS = (
    "words.",
    "also.",
    "numbers",
    "date.",
    "ear.",
    "hours.until",
    "hours.around",
    "hours.am",
    "hours.pm",
    "hours.night",
)
"""Keys of texts that nobody is shown: what is recognised, and how a date is written."""


# ---- what a rule needs to know of a language

FORMS = {"en": 2, "es": 2, "hi": 2, "ar": 6}
"""Plural forms."""
FORM_OF = {
    "en": {0: 1, 1: 0, 2: 1, 100: 1},
    "es": {0: 1, 1: 0, 2: 1, 100: 1},
    "hi": {0: 1, 1: 0, 2: 1, 100: 1},
    "ar": {0: 0, 1: 1, 2: 2, 3: 3, 10: 3, 11: 4, 99: 4, 100: 5, 101: 5, 102: 5, 103: 3, 111: 4},
}
"""Which form a number takes."""
QUESTION = {"en": "?", "es": "?", "hi": "?", "ar": "؟"}
FULL_STOP = {"en": ".", "es": ".", "hi": "।", "ar": "."}
WHY = {
    "en": ("why", "how come"),
    "es": ("por qué", "porqué", "a qué se debe"),
    "hi": ("क्यों", "क्यूँ", "क्यूं", "किसलिए", "काहे"),
    "ar": ("لماذا", "لم", "ليش", "ليه", "علاش", "لمَ"),
}
"""Sounds like a judge (voice.md, rule 4)."""
OPEN = {
    "en": "what how who whom whose which when where",
    "es": "qué cómo quién quiénes cuál cuáles cuándo cuánto cuánta cuántos cuántas dónde",
    "hi": "क्या कैसे कैसा कैसी कौन कौनसा कौनसी कौनसे किस किसे किसने किसका किसकी किसके किससे किन किनसे किसको कब कहाँ "
    "कितना कितनी कितने",
    "ar": "ما ماذا كيف من متى أين أي أية كم بماذا لمن بمن فيم مم عما بم بأي لأي علام ماهو ماهي",
}
"""Words that open a question. Only as whole words, also behind "and"."""
YES_OR_NO = {
    "en": "is are was were do does did can could would will shall have has had may",
    "es": "hay puedes podrías quieres tienes es está",
    "hi": "",
    "ar": "هل أليس ألا",
}
"""Words that begin a question to say yes or no to. Hindi's is its word for "what", too."""
SCRIPT = {"hi": "DEVANAGARI", "ar": "ARABIC"}
LATIN_NAMES = {"waymark", "utc", "ai", "pdf", "export", "json", "berlin", "toronto", "kolkata", "cairo", "dubai"}
"""Names that stay in Latin letters: ours, what everybody writes so, and cities, which are looked up so."""
SAME = {
    ("es", "voice.no"): "the word is the same",
    ("es", "role.coach"): "the word is the same",
    ("es", "history.by.coach"): "the word is the same",
    **{(code, "button.pdf"): "a kind of file" for code in ("es", "hi", "ar")},
}
"""Texts of words that a language has as English has them."""
PATTERNS = (
    "menu.head",
    "export.item",
    "people.line",
    "people.found_line",
    "look.rating",
    "look.noted",
    "invite.by.self",
    "invite.by.named",
    "choice.day",
    "answer.chosen",
    "answers.line",
    "plan.step",
    "plan.step.undated",
    "plan.reminder",
    "plan.item",
    "plan.item.undated",
    "summary.title",
    "summary.title.dated",
    "summary.line",
    "summary.marked",
    "said.line",
    "draft.line",
    "summary.item",
    "summary.item.short",
    "summary.item.undated",
    "summary.item.short.undated",
    "agenda.button",
    "resource.named",
    "session.whose",
    "name.as_it_is",
    "privacy.session_at",
    "stock.button",
    "stock.button.card",
    "hours.weekday",
    "hours.line",
    "hours.span",
    "hours.exception",
    "button.hours.add",
    "pick.weekday",
    "pick.near",
    "button.pick.before",
    "button.pick.after",
    "button.pick.month",
    "planning.day",
    "planning.button.instead",
    "planning.skipped.holiday",
    "planning.line",
    "planning.where",
)
"""Texts without a word of any language: they may be as the English ones are."""
OWN_NAMES = tuple(f"language.{code}" for code in LANGUAGES)
"""A language is called by its own name everywhere."""
ASKED_NOT_ADVISED = {
    "en": ("you could", "consider"),
    "es": ("podrías", "podrías probar"),
    "hi": ("कर सकते हैं", "कर सकती हैं"),
    "ar": (),
}
"""Advice where it begins a sentence of a model, and a question about the coachee's own ideas: "what could you do"."""
HARMLESS = {
    ("es", "ask.option.1", "hace falta que"): "an idea does not have to be good yet",
    ("es", "ask.support.1", "tienes que"): "whom do you have that makes it easier",
    ("es", "ask.clarity_level.4", "muy bien"): "the end of a scale: I know it very well",
    ("ar", "ask.feedback.1", "أفضل لك"): "what would have made this better for you",
}
"""Phrases that are no advice where they stand."""

NUMBERS = {
    "en": "one two three four five six seven eight nine ten",
    "es": "uno dos tres cuatro cinco seis siete ocho nueve diez",
    "hi": "एक दो तीन चार पाँच छह सात आठ नौ दस",
    "ar": "واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة عشرة",
}
SEVENS = {
    "en": ("7", "seven", "a 7", "7/10", "7 out of 10", "maybe 7", "I'd say 7"),
    "es": ("7", "siete", "un 7", "7/10", "7 de 10", "siete de diez", "como un 7", "yo diría 7", "más o menos 7"),
    "hi": ("7", "७", "सात", "saat", "७/१०", "10 में से 7", "१० में से ७", "शायद 7", "7 out of 10", "लगभग सात"),
    "ar": (
        "7",
        "٧",
        "سبعة",
        "سبعه",
        "٧/١٠",
        "7/10",
        "٧ من ١٠",
        "7 من 10",
        "سبعة من عشرة",
        "حوالي ٧",
        "تقريبا 7",
        "يمكن 7",
    ),
}
NO_NUMBER = {
    "en": ("3 or 4", "less than 7", "2 hours"),
    "es": ("3 o 4", "menos de 7", "2 horas", "no 7"),
    "hi": ("3 या 4", "7 से कम", "2 घंटे"),
    "ar": ("3 أو 4", "أقل من 7", "ساعتين 2", "٢ ساعات"),
}
YES = {
    "en": ("yes", "Yes!", "yeah", "ok", "correct"),
    "es": ("sí", "si", "Sí.", "vale", "ok", "claro", "correcto"),
    "hi": ("हाँ", "हां", "जी", "ठीक है", "सही", "haan", "han", "theek hai", "yes", "ok"),
    "ar": ("نعم", "أيوه", "ايوا", "صح", "تمام", "اه", "ok"),
}
NO = {
    "en": ("no", "No.", "nope"),
    "es": ("no", "No.", "nop"),
    "hi": ("नहीं", "नही", "nahi", "nhi", "no"),
    "ar": ("لا", "لأ", "لا."),
}
UNSURE = {
    "en": ("idk", "I don't know", "i dont know.", "dunno", "No idea", "not sure"),
    "es": ("no sé", "no se", "No lo sé", "ni idea", "nose", "no estoy segura", "no estoy seguro"),
    "hi": ("पता नहीं", "पता नही", "मुझे नहीं पता", "pata nahi", "pta nhi", "nahi pata", "idk"),
    "ar": ("لا أعرف", "لا اعرف", "ما أعرف", "ما اعرف", "مش عارف", "مش عارفة", "مدري", "لا أدري", "لا ادري"),
}
COMMANDS_SAID = {
    "en": {
        "back": "go back",
        "skip": "skip",
        "why": "why?",
        "pause": "pause",
        "stop": "stop",
        "answers": "my answers",
    },
    "es": {
        "back": "atrás",
        "skip": "saltar",
        "why": "¿por qué?",
        "pause": "pausa",
        "stop": "quiero parar",
        "answers": "mis respuestas",
    },
    "hi": {
        "back": "वापस",
        "skip": "छोड़ो",
        "why": "क्यों?",
        "pause": "रुको",
        "stop": "band karo",
        "answers": "मेरे जवाब",
    },
    "ar": {
        "back": "رجوع",
        "skip": "تخطي",
        "why": "لماذا؟",
        "pause": "توقف مؤقت",
        "stop": "أريد أن أتوقف",
        "answers": "إجاباتي",
    },
}
ADVICE_WISHED = {
    "en": "just tell me what to do",
    "es": "dime qué hago",
    "hi": "मैं क्या करूँ",
    "ar": "قل لي ماذا أفعل",
}
DAYS_SAID = {
    "en": {"tomorrow": 1, "on friday": 4, "next friday": 4, "in two weeks": 14, "27 november": 4, "in 3 days": 3},
    "es": {
        "hoy": 0,
        "mañana": 1,
        "manana": 1,
        "pasado mañana": 2,
        "el viernes": 4,
        "viernes": 4,
        "este viernes": 4,
        "el próximo viernes": 4,
        "el sabado": 5,
        "el miercoles": 2,
        "en dos semanas": 14,
        "en 3 días": 3,
        "27 de noviembre": 4,
        "el 27 de noviembre": 4,
        "27/11": 4,
    },
    "hi": {
        "आज": 0,
        "कल": 1,
        "परसों": 2,
        "शुक्रवार": 4,
        "शुक्रवार को": 4,
        "शुक्रवार तक": 4,
        "अगले शुक्रवार": 4,
        "shukravar": 4,
        "friday": 4,
        "friday ko": 4,
        "kal": 1,
        "२७ नवंबर": 4,
        "27 नवंबर": 4,
        "27 नवम्बर": 4,
        "दो हफ्ते में": 14,
        "3 दिन में": 3,
        "tomorrow": 1,
        "27 nov tak": 4,
        "agle hafte friday": 11,
        "अगले हफ्ते शुक्रवार": 11,
    },
    "ar": {
        "اليوم": 0,
        "غدا": 1,
        "غدًا": 1,
        "بكرة": 1,
        "بعد غد": 2,
        "الجمعة": 4,
        "الجمعه": 4,
        "يوم الجمعة": 4,
        "يوم الجمعة القادم": 4,
        "الجمعة القادمة": 4,
        "جمعة": 4,
        "٢٧ نوفمبر": 4,
        "27 نوفمبر": 4,
        "٢٧/١١": 4,
        "بعد أسبوعين": 14,
        "بعد أسبوع": 7,
        "بعد 3 أيام": 3,
    },
}
"""How a day is said on this Monday, and how many days away it is."""
AT_SOME_TIME = {
    "en": ("friday at 5", "friday at 5pm", "friday 17:00", "on friday afternoon"),
    "es": ("viernes a las 5", "el viernes a las 17:00", "el viernes a las 10", "el viernes por la tarde"),
    "hi": ("शुक्रवार 5 बजे", "शुक्रवार को 10 बजे", "शुक्रवार शाम को", "friday shaam ko"),
    "ar": ("الجمعة الساعة ٥", "يوم الجمعة الساعة 10", "يوم الجمعة العصر", "الجمعة بعد المدرسة"),
}
"""Friday at some time of it: no figure of it is a day of the month."""
NO_DAY = {
    "en": ("not friday", "every friday", "friday or saturday", "soon", "yes"),
    "es": ("no el viernes", "cada viernes", "viernes o sábado", "pronto", "sí", "algún día", "todos los viernes"),
    "hi": ("हर शुक्रवार", "शुक्रवार या शनिवार", "जल्दी", "हाँ", "कभी", "शुक्रवार को नहीं"),
    "ar": ("كل جمعة", "الجمعة أو السبت", "قريبا", "نعم", "يوما ما", "ليس الجمعة", "لا أحد", "ما في أحد"),
}
GOALS = {
    "en": {
        "read one page aloud by friday": FRIDAY,
        "by Friday I want to have read one page": FRIDAY,
        "read one page aloud until 3 December": date(2026, 12, 3),
        "be brave on stage": None,
        "read by myself": None,
        "sit in the sun by the sea and read": None,
    },
    "es": {
        "leer una página en voz alta para el viernes": FRIDAY,
        "leer una página antes del viernes": FRIDAY,
        "haber leído una página hasta el 3 de diciembre": date(2026, 12, 3),
        "leer en voz alta en clase": None,
        "tener tiempo para mí": None,
        "nadar en el mar para estar tranquila": None,
        "ser el 1 de mi clase": None,
    },
    "hi": {
        "शुक्रवार तक एक पन्ना ज़ोर से पढ़ना": FRIDAY,
        "एक पन्ना ज़ोर से पढ़ना शुक्रवार तक": FRIDAY,
        "3 दिसंबर तक एक पन्ना पढ़ना है": date(2026, 12, 3),
        "friday tak ek page padhna hai": FRIDAY,
        "क्लास में ज़ोर से पढ़ना": None,
        "मुझे सबको हँसाना है": None,
        "मुझे रवि को एक पन्ना सुनाना है": None,  # a friend, and short for Sunday
    },
    "ar": {
        "أقرأ صفحة بصوت عال قبل يوم الجمعة": FRIDAY,
        "أن أقرأ صفحة واحدة بحلول الجمعة": FRIDAY,
        "أقرأ صفحة قبل ٣ ديسمبر": date(2026, 12, 3),
        "أقرأ صفحة حتى الجمعة": FRIDAY,
        "أن أقرأ بصوت عال في الصف": None,
        "ألا يضحك أحد في الصف": None,  # nobody, and nearly Sunday
        "أكلم أحد قبل الحصة": None,
        "أقرأ الصفحات الثلاثة في الصف": None,  # three, and nearly Tuesday
        "أقرأ صفحة في اليوم": None,
    },
}
"""Goals, and the day that each names."""
VAGUE = {
    "en": ("school", "stuff", "my life", "everything"),
    "es": ("cosas", "el cole", "mi vida", "todo", "el instituto"),
    "hi": ("स्कूल", "कुछ भी", "सब कुछ", "zindagi"),
    "ar": ("المدرسة", "حياتي", "كل شيء", "أشياء"),
}
CLEAR = {
    "en": "reading out loud in class",
    "es": "leer en voz alta en clase",
    "hi": "क्लास में ज़ोर से पढ़ना",
    "ar": "القراءة بصوت عال في الصف",
}
NAMED = {
    "en": ("English", "Inglés", "ingles", "अंग्रेज़ी", "अंग्रेजी", "الإنجليزية", "en"),
    "es": ("Spanish", "Español", "espanol", "castellano", "स्पेनिश", "الإسبانية", "es"),
    "hi": ("Hindi", "hindi", "हिन्दी", "हिंदी", "الهندية", "hi"),
    "ar": ("Arabic", "árabe", "arabe", "अरबी", "العربية", "عربي", "ar"),
}

every_language = pytest.mark.parametrize("language", LANGUAGES)


# ---- what the tests are written with


@cache
def texts(language: str) -> dict[str, tuple[str, ...]]:
    """The texts of a catalogue by key, as they are written: one, or one for each plural form."""
    found = {}
    for message in po(language):
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            found[key] = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
    return found


@cache
def po(language: str) -> Catalog:
    """A catalogue as it is written."""
    with (LOCALES / language / "LC_MESSAGES" / "waymark.po").open("rb") as file:
        return read_po(file, locale=language)


def shown(language: str) -> Iterator[tuple[str, str]]:
    """Every text that a person is shown, each form of it, by its key."""
    for key, forms in texts(language).items():
        if not key.startswith(LISTS):
            yield from ((key, form) for form in forms)


def questions(language: str) -> dict[str, str]:
    """The wordings of the question bank."""
    wording = re.compile(rf"ask\.(.+\.\d+|{re.escape(CHECK)})")
    return {key: forms[0] for key, forms in texts(language).items() if wording.fullmatch(key)}


def family(key: str) -> str:
    """The family of a wording."""
    return key.removeprefix("ask.").rpartition(".")[0] or CHECK


def placeholders(text: str) -> set[tuple[str, str]]:
    """What is put into a text, and how it is to be written."""
    return {(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name is not None}


def bare(text: str) -> str:
    """A text without what is put into it, and without commands."""
    return re.sub(r"{[^}]*}|/[a-z]+", " ", text)


def has(text: str, phrase: str) -> bool:
    """Whether a text holds a phrase in whole words."""
    return f" {plain(phrase)} " in f" {plain(text)} "


def there_is_none(wrong: Iterable[tuple[Any, ...]]) -> None:
    """Nothing is wrong. Where something is, all of it is told: one who mends a catalogue wants to see it at once."""
    found = list(wrong)
    assert not found, "\n" + "\n".join(" | ".join(str(part) for part in each) for each in found)


def at(step: str, language: str) -> Chat:
    """A chat in which the question of a step is open."""
    session = Session(session_id=SOME_ID, begun_at=NOW, since=NOW, position=Position(step=step))
    return Chat(
        chat_id=1,
        person=Person(user_id=SOME_ID, name="Mira", timezone="Europe/Berlin", language=language),
        conversation=Conversation(asked=3, session=session),
        answers={STEPS[step].stage: StageAnswers()},
    )


def meant(step: str, text: str, language: str) -> Reading:
    """What words mean for the question of a step."""
    event = read_event(
        TextSent(id=SOME_ID, chat_id=1, sender=Sender(name="Mira", vouched=True), text=text), at(step, language), NOW
    )
    assert isinstance(event, TextSent)
    return event.reading


def command(text: str) -> str | None:
    """The command that a text is; None where it is words."""
    event = said(SOME_ID, 1, Sender(name="Mira", vouched=True), text)
    return event.name if isinstance(event, CommandSent) else None


# ---- the catalogues


def test_the_languages_that_are_offered_are_those_there_are_catalogues_for() -> None:
    assert set(languages()) == set(LANGUAGES)
    for language in LANGUAGES:
        assert words(Text(key=f"language.{language}"), language) == words(Text(key=f"language.{language}"), "en")


@every_language
def test_a_catalogue_says_what_it_is(language: str) -> None:
    assert po(language).mime_headers
    headers = dict(po(language).mime_headers)
    assert headers["Language"] == language
    assert "charset=utf-8" in headers["Content-Type"].casefold()
    assert po(language).num_plurals == FORMS[language]


@every_language
def test_every_text_of_english_is_there_in_all_its_forms_and_no_other(language: str) -> None:
    assert set(texts(language)) == set(texts("en"))
    for key, forms in texts(language).items():
        assert len(forms) == (FORMS[language] if len(texts("en")[key]) > 1 else 1), key
        assert all(form.strip() for form in forms), key
        assert all(form == form.strip() and "  " not in form for form in forms), key


@every_language
def test_what_is_put_into_a_text_is_the_same_in_every_language(language: str) -> None:
    """Only a form that says its number itself may leave the number out."""

    def wrong() -> Iterator[tuple[str, str]]:
        for key, forms in texts(language).items():
            wanted = set().union(*(placeholders(form) for form in texts("en")[key]))
            for number, form in enumerate(forms):
                left_out = {("count", "")} if len(forms) > 1 and says_its_number(language, number) else set()
                if not wanted - left_out <= placeholders(form) <= wanted:
                    yield key, form

    if language == "en":
        assert all(placeholders(forms[-1]) for forms in texts("en").values() if len(forms) > 1)
    there_is_none(wrong())


def says_its_number(language: str, form: int) -> bool:
    """Whether a plural form stands for one number alone."""
    return list(FORM_OF[language].values()).count(form) == 1 and form < FORMS[language] - 1


@every_language
def test_nothing_is_left_in_english(language: str) -> None:
    if language == "en":
        assert not any(re.search(r"[^\W\d_]", bare(form)) for key in PATTERNS for form in texts("en")[key])
        return

    def same() -> Iterator[tuple[str, str]]:
        for key, forms in texts(language).items():
            alike = key.startswith(("language.", "date.pattern")) and key.rpartition(".")[2] not in (
                "ask",
                "set",
                "unknown",
            )
            if forms[0] == texts("en")[key][0] and not alike and key not in PATTERNS and (language, key) not in SAME:
                yield key, forms[0]

    there_is_none(same())


@pytest.mark.parametrize("language", SCRIPT)
def test_no_latin_word_is_left_where_a_language_has_letters_of_its_own(language: str) -> None:
    def latin() -> Iterator[tuple[str, list[str]]]:
        for key, text in shown(language):
            found = [word for word in re.findall(r"[A-Za-z]{2,}", bare(text)) if word.casefold() not in LATIN_NAMES]
            if found and key not in OWN_NAMES:
                yield key, found

    there_is_none(latin())


@every_language
def test_commands_are_the_same_in_every_language(language: str) -> None:
    for key, text in shown(language):
        wanted = sorted(re.findall(r"/[a-z]+", texts("en")[key][-1]))
        assert sorted(re.findall(r"/[a-z]+", text)) == wanted, key


@every_language
def test_the_plural_form_of_a_number_is_the_right_one(language: str) -> None:
    counted = [key for key, forms in texts(language).items() if len(forms) > 1]
    assert counted
    for key in counted:
        for number, form in FORM_OF[language].items():
            assert catalogue(language).ngettext(key, key, number) == texts(language)[key][form], (key, number)


@every_language
def test_a_number_is_seen_in_the_text_that_counts_it(language: str) -> None:
    for number in (3, 11, 100):
        assert str(number) in words(Text(key="menu.open_items", count=number), language)


# ---- the manner


@every_language
def test_a_question_is_one_question_and_its_mark_is_the_last_character(language: str) -> None:
    def wrong() -> Iterator[tuple[str, str]]:
        for key, text in questions(language).items():
            marks = [char for char in text if char in "?？؟¿"]
            expected = ["¿", "?"] if language == "es" else [QUESTION[language]]
            if marks != expected or not text.endswith(QUESTION[language]):
                yield key, text

    there_is_none(wrong())


@every_language
def test_a_text_ends_as_the_english_one_does(language: str) -> None:
    """A question stays one, a sentence has its full stop, and a label has none."""
    endings = {".": FULL_STOP[language], "?": QUESTION[language], ":": ":"}
    if language == "hi":
        endings["."] += ".)"

    def wrong() -> Iterator[tuple[str, str]]:
        for key, text in shown(language):
            wanted = endings.get(texts("en")[key][-1][-1])
            if key.startswith("ask.") or key == "help":
                continue
            if (wanted is None and text[-1] in "?؟.।:") or (wanted is not None and text[-1] not in wanted):
                yield key, text

    there_is_none(wrong())


@every_language
def test_no_question_asks_why(language: str) -> None:
    asked = (
        (key, text, why) for key, text in questions(language).items() for why in WHY[language] if asks(text, why)
    )
    there_is_none(asked)


def asks(text: str, phrase: str) -> bool:
    """Whether a text holds a phrase as it is written: in Spanish an accent makes the question."""
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text.casefold()) is not None


def open_steps() -> dict[str, Step]:
    return {name: step for name, step in STEPS.items() if isinstance(step.takes, Words | Several | Day)}


@every_language
def test_a_question_that_is_answered_in_words_is_an_open_one(language: str) -> None:
    """Its last sentence has a word that opens a question, and does not begin as one to say yes to."""

    def closed() -> Iterator[tuple[str, str]]:
        for key, text in questions(language).items():
            if family(key).split(".")[0] in open_steps():
                last = re.split(r"(?<=[.।;])\s", text)[-1]
                begins_closed = plain(last).split()[0] in YES_OR_NO[language].split()
                if begins_closed or not any(opened(last, word, language) for word in OPEN[language].split()):
                    yield key, text

    there_is_none(closed())


def opened(text: str, opener: str, language: str) -> bool:
    """Whether a word that opens a question is in a text; in Arabic also joined to "and" or a preposition."""
    if opener == "من":  # who; within a sentence it may be "from"
        return re.search(r"(^|[،:] )و?من ", text) is not None
    if language == "ar":
        return any(has(text, before + opener) for before in ("", "و", "ف", "ب", "ل"))
    return asks(text.replace("-", " "), opener)


@every_language
def test_neither_questions_nor_reasons_advise_praise_or_judge(language: str) -> None:
    """What the model's ear may not say, the coach does not say either."""
    manner = ("ask.", "why.", "unsure.", "skip.", "advice.", "readback.", "circles.", "stage.", "resume.", "breath.")
    forbidden = [phrase for phrase in listed("ear.forbidden", language) if phrase not in ASKED_NOT_ADVISED[language]]
    spoken = [(key, bare(text)) for key, text in shown(language) if key.startswith(manner)]
    found = {(key, phrase, text) for key, text in spoken for phrase in forbidden if has(text, phrase)}
    there_is_none((key, phrase, text) for key, phrase, text in found if (language, key, phrase) not in HARMLESS)


def test_what_is_let_pass_as_harmless_is_there_to_be_let_pass() -> None:
    """An exception that nothing needs any more is taken out."""
    for language, key, phrase in HARMLESS:
        assert phrase in listed("ear.forbidden", language), phrase
        assert has(texts(language)[key][0], phrase), key
    for language, key in SAME:
        assert texts(language)[key] == texts("en")[key], key


@every_language
def test_the_list_of_what_may_not_be_said_is_long_enough(language: str) -> None:
    assert len(known("ear.forbidden", language)) >= 25


@every_language
def test_nothing_is_exclaimed(language: str) -> None:
    there_is_none((key, text) for key, text in shown(language) if set(text) & set("!¡！"))


LONG = {"ask": 80, "answer": 200}
"""Characters that are put into a text: of a question's arguments, of an answer shown back. Others have 120."""


def filled(key: str, text: str) -> str:
    """A text with long words in it."""
    args: dict[str, Any] = {}
    for name, spec in placeholders(text):
        if name in ("day", "at"):
            args[name] = "Wednesday 30 September 2026, 09:00 (Port of Spain)"
        elif name in ("count", "n", "of", "seconds", "minutes", "most", "rating", "commitment"):
            args[name] = "10000" if name in ("count", "most") else "10"
        else:
            args[name] = "x" * LONG.get(name, LONG.get(key.split(".")[0], 120))
        text = text.replace(f"{{{name}:{spec}}}", f"{{{name}}}")
    return text.format(**args)


@every_language
def test_no_text_is_too_long_whatever_is_put_into_it(language: str) -> None:
    long = ((key, len(filled(key, text))) for key, text in shown(language) if len(filled(key, text)) > 600)
    there_is_none(long)


def is_button(key: str) -> bool:
    """Whether a text is on a button."""
    others = (
        *(f"item.{code}" for code in ITEM_CODES),
        *(f"answers.{what}" for what in ("before", "after", "change", "back_to", "all")),
        *OWN_NAMES,
        "voice.yes",
        "voice.no",
        "breath.done",
    )
    return key.startswith(("button.", "choice.", "control.")) or key in others


@every_language
def test_a_button_is_short(language: str) -> None:
    there_is_none((key, text) for key, text in shown(language) if is_button(key) and len(text) > 40)


@every_language
def test_a_key_below_the_chat_is_shorter_still(language: str) -> None:
    """Three stand in a row on a phone."""
    keys = ((key, text) for key, text in shown(language) if key.startswith("control."))
    there_is_none((key, text) for key, text in keys if len(text) > 18)


@every_language
def test_choices_of_one_question_can_be_told_apart(language: str) -> None:
    for kind in {key.split(".")[1] for key in texts("en") if key.count(".") == 2 and key.startswith("choice.")}:
        labels = [plain(forms[0]) for key, forms in texts(language).items() if key.startswith(f"choice.{kind}.")]
        assert len(labels) == len(set(labels)), kind


@every_language
def test_what_is_said_of_the_keys_names_them_as_they_are(language: str) -> None:
    manner = words(Text(key="session.manner"), language)
    for key in ("control.back", "control.pause"):
        assert words(Text(key=key), language) in manner, (key, manner)


# ---- the question bank


def test_every_question_can_be_put_in_four_ways_at_least() -> None:
    assert {family for family, wordings in BANK.items() if len(wordings) < 4} == set()


def test_every_wording_says_what_it_does() -> None:
    known_tags = set(get_args(Tag))
    for name, wordings in BANK.items():
        for wording in wordings:
            assert wording.tags, name
            assert set(wording.tags) <= known_tags, name


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_asks_in_many_ways(stage: Stage) -> None:
    used = {
        tag
        for name, wordings in BANK.items()
        if STEPS[name.split(".")[0]].stage == stage
        for wording in wordings
        for tag in wording.tags
    }
    assert len(used) >= 5


def test_every_step_has_questions_of_its_own_and_no_family_is_of_no_step() -> None:
    families = {name.split(".")[0] for name in BANK}
    checks = {name for name in STEPS if name.endswith("_check")}
    assert set(STEPS) - checks - {"topic_clarify_again"} == families


@every_language
def test_the_wordings_of_a_family_are_different_texts(language: str) -> None:
    for name, wordings in BANK.items():
        asked = [plain(texts(language)[f"ask.{name}.{n}"][0]) for n in range(1, len(wordings) + 1)]
        assert len(asked) == len(set(asked)), name


@every_language
def test_an_argument_stands_in_a_question_only_where_there_is_one(language: str) -> None:
    """What a question reads back is known when it is put."""
    given = {"topic", "rating", "goal", "commitment", "item", "step", "day"}
    for key, text in questions(language).items():
        assert {name for name, _ in placeholders(text)} <= given, key


# ---- dates


CONTEXTS: tuple[Literal["format", "stand-alone"], ...] = ("format", "stand-alone")
"""A name of a day or month in a date, and by itself."""


@every_language
def test_a_date_shows_its_day_its_month_and_its_year(language: str) -> None:
    locale = Locale.parse(language)
    for month in range(1, 13):
        day = date(2026, month, 10 + month)
        names = {get_month_names("wide", context, locale=locale)[month] for context in ("format", "stand-alone")}
        weekdays = {
            get_day_names("wide", context, locale=locale)[day.weekday()] for context in ("format", "stand-alone")
        }
        with_year = words(Text(key=f"ask.{CHECK}", args={"day": day}), language)
        without = words(Text(key="plan.check_in", args={"day": day}), language)
        for text in (with_year, without):
            assert any(name in text for name in names), text
            assert any(name in text for name in weekdays), text
            assert re.search(rf"(?<!\d){day.day}(?!\d)", text), text
        assert "2026" in with_year
        assert "2026" not in without
        short = words(Text(key="choice.day", args={"day": day}), language)
        assert re.search(rf"(?<!\d){day.day}(?!\d)", short), short
        assert len(short) <= 24


@every_language
def test_a_date_that_is_written_is_read_as_the_same_date(language: str) -> None:
    """A person may write it as the coach does."""
    for days in range(40):
        day = HERE.date() + timedelta(days=days)
        for key in ("", ":short", ":year"):
            pattern = f"{{day{key}}}"
            text = pattern.format(day=_day(day, language))
            if key != ":short":
                assert read_day(text, HERE, language) == day, text


def _day(value: date, language: str) -> Written:
    return Written(value, Locale.parse(language))


# ---- what is understood


@every_language
def test_a_list_of_what_is_recognised_has_no_empty_entry_and_none_too_long(language: str) -> None:
    def wrong() -> Iterator[tuple[str, str]]:
        for key in texts("en"):
            if key.startswith(("words.", "also.")):
                most = LONGEST_CONTROL if key.startswith("words.") else LONGEST_PHRASE
                yield from ((key, entry) for entry in listed(key, language) if not plain(entry) or len(entry) > most)

    there_is_none(wrong())


@every_language
def test_a_list_that_is_compared_word_by_word_holds_single_words(language: str) -> None:
    lists = ("date.lead", "date.not", "date.past", "numbers.around", "words.name_day")
    entries = ((key, entry) for key in lists for entry in listed(key, language))
    there_is_none((key, entry) for key, entry in entries if len(plain(entry).split()) != 1)


@every_language
def test_the_days_of_the_week_have_seven_entries_and_days_near_today_have_their_number(language: str) -> None:
    assert len(listed("date.weekdays", language)) == 7
    for entry in listed("date.days", language):
        assert re.fullmatch(r"[^=]*\w[^=]*=\d{1,3}", entry), entry


@every_language
def test_the_numbers_are_read_by_their_names(language: str) -> None:
    named = words(Text(key="numbers"), language).split()
    assert len(named) == 10
    for number, (names, plainly) in enumerate(zip(named, NUMBERS[language].split(), strict=True), 1):
        for name in (*names.split("/"), plainly):
            assert read_number(name, language) == number, name


@every_language
def test_the_numbers_are_read_in_the_figures_of_every_script(language: str) -> None:
    for number in range(1, 11):
        for zero in ("0", "٠", "۰", "०", "０"):
            figures = "".join(chr(ord(zero) + int(figure)) for figure in str(number))
            assert read_number(figures, language) == number, figures


@every_language
def test_a_number_is_read_with_the_words_that_people_put_around_it(language: str) -> None:
    assert [text for text in SEVENS[language] if read_number(text, language) != 7] == []
    assert [text for text in NO_NUMBER[language] if read_number(text, language) is not None] == []


@every_language
def test_yes_and_no_answer_a_check_and_other_questions_of_yes_or_no(language: str) -> None:
    for step, yes, no in (
        ("time_bound_check", "right", "other_day"),
        ("starting_readback", "yes", "not_quite"),
        ("ready_confirm", "ready", "not_yet"),
        ("settling_offer", "settle", "go_on"),
    ):
        for code, said_so in ((yes, YES), (no, NO)):
            plainly = [
                text for text in said_so[language] if "correct" not in text and text not in ("सही", "صح", "تمام")
            ]
            for text in said_so[language] if step.endswith("_check") else plainly:
                assert meant(step, text, language).choice == code, (step, text)
                assert command(text) is None, text


@every_language
def test_not_knowing_is_recognised(language: str) -> None:
    for text in UNSURE[language]:
        assert meant("problem_statement", text, language).sense == "unsure", text
        assert command(text) is None, text
    assert meant("problem_statement", CLEAR[language], language).sense is None


@every_language
def test_controls_are_understood_by_their_names_and_in_words(language: str) -> None:
    for word, name in CONTROLS.items():
        for text in listed(f"words.{word}", language):
            assert command(text) == name, text
        if f"control.{word}" in texts("en"):
            assert command(words(Text(key=f"control.{word}"), language)) == name, word
    for word, text in COMMANDS_SAID[language].items():
        assert command(text) == CONTROLS[word], text
    assert command(ADVICE_WISHED[language]) == "advice"


def test_a_word_is_one_control_in_all_languages() -> None:
    """Controls are understood in every language, so that a changed language leaves none behind."""
    meanings: dict[str, set[str]] = {}
    for language in languages():
        for word in CONTROLS:
            for name in known(f"words.{word}", language) | known(f"control.{word}", language):
                meanings.setdefault(name, set()).add(word)
    assert {name: found for name, found in meanings.items() if len(found) > 1} == {}


LISTED_DAYS = ("numbers", "date.days", "date.weekdays")


def named(key: str, language: str) -> list[str]:
    """What a list names, whatever it is written with."""
    if key == "numbers":
        return re.split("[ /]", words(Text(key=key), language))
    return [name for entry in listed(key, language) for name in entry.partition("=")[0].split("/")]


@every_language
def test_a_word_that_answers_a_question_is_not_taken_for_a_control(language: str) -> None:
    """But for "skip", which leaves the question out either way."""
    controls = {
        name: word
        for spoken in languages()
        for word in CONTROLS
        for name in known(f"words.{word}", spoken) | known(f"control.{word}", spoken)
    }
    answers = {
        (key, plain(entry))
        for key in texts("en")
        if key.startswith(("also.", "choice.")) or key in ("words.unsure", "words.vague", *LISTED_DAYS)
        for entry in named(key, language)
    }
    taken = sorted((key, name, controls[name]) for key, name in answers if name in controls)
    there_is_none(found for found in taken if found[0] != "also.skip" or found[2] != "skip")


@every_language
def test_every_other_name_of_a_choice_names_it_at_every_question_that_offers_it(language: str) -> None:
    def wrong() -> Iterator[tuple[str, str, str, str | None]]:
        for name, step in STEPS.items():
            if name == "which_step":
                continue
            for code in (*getattr(step.takes, "options", ()), *getattr(step.takes, "instead", ())):
                for text in listed(f"also.{code}", language):
                    found = meant(name, text, language).choice
                    if found != code:
                        yield name, code, text, found

    there_is_none(wrong())


@every_language
def test_each_weekday_is_the_next_one(language: str) -> None:
    for context in CONTEXTS:
        for number, name in get_day_names("wide", context, locale=language).items():
            wanted = HERE.date() + timedelta(days=(number - HERE.weekday() - 1) % 7 + 1)
            for text in (name, name.upper(), f" {name}. "):
                assert read_day(text, HERE, language) == wanted, text


@every_language
def test_phrases_for_a_day_are_that_day(language: str) -> None:
    wrong = {
        text: read_day(text, HERE, language)
        for text, days in DAYS_SAID[language].items()
        if read_day(text, HERE, language) != HERE.date() + timedelta(days=days)
    }
    assert wrong == {}


@every_language
def test_the_time_of_a_day_is_no_day_of_the_month(language: str) -> None:
    """It is asked for again, or it is that Friday: never the fifth."""
    wrong = {text: day for text in AT_SOME_TIME[language] if (day := read_day(text, HERE, language)) != FRIDAY}
    assert {text: day for text, day in wrong.items() if day is not None} == {}


@every_language
def test_the_day_of_a_month_is_the_next_one_of_that_number(language: str) -> None:
    """Not one that is past: "the 3rd" on the 23rd is next month's."""
    text = {"en": "the 3rd", "es": "el 3", "hi": "3 तारीख", "ar": "يوم ٣"}[language]
    assert read_day(text, HERE, language) in (None, date(2026, 12, 3))


@every_language
def test_what_is_no_phrase_for_a_day_is_none(language: str) -> None:
    assert {text: day for text in NO_DAY[language] if (day := read_day(text, HERE, language)) is not None} == {}


@every_language
def test_a_day_of_next_week_is_in_that_week(language: str) -> None:
    friday = get_day_names("wide", locale=language)[4]
    for phrase in listed("date.next_week", language):
        assert read_day(f"{friday} {phrase}", HERE, language) == FRIDAY + timedelta(days=7), phrase


@every_language
def test_the_day_that_a_goal_names_is_read_and_nothing_else_is_taken_for_one(language: str) -> None:
    for goal, day in GOALS[language].items():
        assert read_deadline(goal, HERE, language) == day, goal
        assert meant("goal_statement", goal, language).day == day, goal


@every_language
def test_a_topic_that_can_mean_anything_is_vague_and_one_that_says_what_is_not(language: str) -> None:
    for text in VAGUE[language]:
        assert meant("topic", text, language).sense == "vague", text
    assert meant("topic", CLEAR[language], language).sense is None


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_is_known_by_its_name_in_every_language(code: str) -> None:
    for name in (*NAMED[code], words(Text(key=f"language.{code}"), "en")):
        assert language_named(name) == code, name
        assert language_named(f" {name.upper()} ") == code, name


@pytest.mark.parametrize("text", ["", " ", "Klingon", "French", "english and spanish", "no"])
def test_what_names_no_language_we_speak_is_none(text: str) -> None:
    assert language_named(text) is None
