"""What words mean: what is read is what was meant; where that is not sure nothing is read, and it is asked again."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.reading import LONGEST_PHRASE, read, read_day, read_hours, read_number, zones
from flows.events import ButtonPressed, CommandSent, Reading, Sender, TextEdited, TextSent
from flows.state import Chat, Conversation, Person, Position, Session, StageAnswers, Turn
from flows.steps import STEPS

SOME_ID = UUID(int=7)
NOW = datetime(2026, 11, 23, 16, 5, tzinfo=UTC)
HERE = NOW.astimezone(ZoneInfo("Europe/Berlin"))
"""A Monday, five past five in the afternoon."""
MIRA = Sender(name="Mira", vouched=True)


# ---- what the tests are written with


def at(step: str, **fields: object) -> Chat:
    """A chat in which the question of a step is open."""
    session = Session(session_id=SOME_ID, begun_at=NOW, since=NOW, position=Position(step=step))
    stage = STEPS[step].stage
    return Chat(
        chat_id=1,
        person=Person(user_id=SOME_ID, name="Mira", timezone="Europe/Berlin"),
        conversation=Conversation(asked=3, session=session),
        answers={stage: StageAnswers(fields=dict(fields))},
    )


def meant(chat: Chat, text: str) -> Reading:
    """What words mean for the open question of a chat."""
    event = read(TextSent(id=SOME_ID, chat_id=1, sender=MIRA, text=text), chat, NOW)
    assert isinstance(event, TextSent)
    return event.reading


def day(text: str) -> date | None:
    return read_day(text, HERE, "en")


# ---- numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("７", 7),
        ("٧", 7),
        ("7️⃣", 7),
        ("07", 7),
        ("7!", 7),
        ("7.", 7),
        ("#7", 7),
        ("+7", 7),
        ("seven", 7),
        ("Seven.", 7),
        ("TEN", 10),
        ("a 7", 7),
        ("about 7", 7),
        ("I'd say 8", 8),
        ("I’d say 8", 8),
        ("it's an 8 today", 8),
        ("7/10", 7),
        ("7 / 10", 7),
        ("7 out of 10", 7),
        ("7 of 10", 7),
        ("10/10", 10),
        ("10 out of 10", 10),
        ("7 7", 7),
        ("1", 1),
        ("10", 10),
    ],
)
def test_one_whole_number_is_read(text: str, number: int) -> None:
    assert read_number(text, "en") == number


@pytest.mark.parametrize(("text", "number"), [("11", 11), ("0", 0), ("-3", -3), ("−3", -3), ("1000", 1000)])
def test_a_number_off_the_scale_is_read_as_it_is_so_that_it_can_be_refused(text: str, number: int) -> None:
    assert read_number(text, "en") == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "7.5",
        "7,5",
        "0.7",
        "½",
        "5½",
        "3 or 4",
        "seven or eight",
        "between 3 and 4",
        "3-4",
        "7–8",
        "7 to 8",
        "7 10",
        "3/4",
        "7/20",
        "7:30",
        "7th",
        "8ish",
        "good",
        "quite high",
        "7 because I slept well and the sun was out today",
    ],
)
def test_what_is_not_one_whole_number_is_none(text: str) -> None:
    assert read_number(text, "en") is None


@pytest.mark.parametrize(
    "text",
    [
        "not 7",
        "not a 7",
        "less than 7",
        "more than 3",
        "minus 3",
        "no one",
        "one hundred",
        "one half",
        "it was one hell of a day",
        "at 8pm",
        "2 hours",
    ],
)
def test_a_number_that_is_not_the_answer_is_not_read(text: str) -> None:
    """A rating is not read back, so a wrong one would stay."""
    assert read_number(text, "en") is None


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_none(text: str) -> None:
    number = read_number(text, "en")
    assert number is None or (len(text) <= 60 and isinstance(number, int))


# ---- choices


@pytest.mark.parametrize(
    ("step", "text", "code"),
    [
        ("ready_confirm", "Yes, let us begin", "ready"),
        ("ready_confirm", "yes let us begin!", "ready"),
        ("ready_confirm", "yes", "ready"),
        ("ready_confirm", "YES!!", "ready"),
        ("ready_confirm", "ok 👍", "ready"),
        ("ready_confirm", "let's go", "ready"),
        ("ready_confirm", "let’s go", "ready"),
        ("ready_confirm", "no", "not_yet"),
        ("ready_confirm", "Not yet.", "not_yet"),
        ("settling_offer", "no", "go_on"),
        ("settling_offer", "yes", "settle"),
        ("settling_offer", "just go on", "go_on"),
        ("topic_category", "school", "school"),
        ("topic_category", "School, study", "school"),
        ("topic_category", "WORK", "work"),
        ("review_status", "partly", "partly"),
        ("review_status", "did it", "done"),
        ("starting_readback", "that's right", None),
        ("starting_readback", "yes", "yes"),
        ("starting_readback", "no", "not_quite"),
        ("time_bound_check", "that's right", "right"),
        ("time_bound_check", "no", "other_day"),
        ("step_more", "another", "another"),
        ("step_more", "that's all", "that_is_all"),
        ("step_who", "Just me", "just_me"),
        ("step_who", "nobody", "just_me"),
        ("feedback", "nothing", "skip"),
        ("next_check_in", "no", "no_day"),
        ("change_what", "the steps", "step"),
        ("change_what", "my goal", "goal"),
        ("change_what", "add a step", "add"),
        ("change_what", "leave it", "leave"),
        ("review_choice", "keep it", "keep"),
        ("review_choice", "let it go", "drop"),
        ("review_choice", "change", "change"),
        ("change_what", "the check-in", "check_in"),
    ],
)
def test_a_choice_is_read_by_its_label_its_first_words_or_another_name_for_it(
    step: str, text: str, code: str | None
) -> None:
    assert meant(at(step), text).choice == code


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ("ready_confirm", ""),
        ("ready_confirm", "…"),
        ("ready_confirm", "yes and no"),
        ("ready_confirm", "let"),
        ("topic_category", "a"),
        ("topic_category", "somebody at work said that I should think about it"),
        ("step_who", "me and my brother"),
        ("step_who", "nobody knows yet, maybe my sister"),
        ("step_with", "nothing but a pen"),
        ("feedback", "no questions about school please"),
        ("change_what", "the"),
    ],
)
def test_words_that_do_not_name_one_choice_name_none(step: str, text: str) -> None:
    assert meant(at(step), text).choice is None


def test_a_choice_of_another_question_is_not_read() -> None:
    assert meant(at("topic"), "yes").choice is None
    assert meant(at("topic_category"), "ready").choice is None


def test_a_button_gets_the_label_it_was_pressed_by() -> None:
    event = ButtonPressed(id=SOME_ID, chat_id=1, sender=MIRA, data="a:3:school")
    assert read(event, at("topic_category"), NOW) == event.evolve(label="School, study")
    old = event.evolve(data="a:2:school")
    assert read(old, at("topic_category"), NOW) == old


def test_an_edited_answer_is_read_for_the_question_it_answered() -> None:
    """Not for the one that is open now."""
    turn = Turn(n=1, step="presence_level", text="6", at=NOW, question="ask.presence_level", source=55)
    chat = at("topic_category").evolve(answers={1: StageAnswers(turns=(turn,))})
    edited = TextEdited(id=SOME_ID, chat_id=1, sender=MIRA, text="seven", message_id=55)
    assert read(edited, chat, NOW) == edited.evolve(reading=Reading(number=7))
    other = edited.evolve(message_id=56)
    assert read(other, chat, NOW) == other


def test_outside_a_session_words_are_only_words() -> None:
    chat = Chat(chat_id=1, person=Person(user_id=SOME_ID, name="Mira"))
    for text in ("7", "yes", "tomorrow", "Berlin"):
        assert meant(chat, text) == Reading()
    assert meant(Chat(chat_id=1), "7") == Reading()


# ---- days


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("today", date(2026, 11, 23)),
        ("tonight", date(2026, 11, 23)),
        ("tomorrow", date(2026, 11, 24)),
        ("Tomorrow!", date(2026, 11, 24)),
        ("tomorrow morning", date(2026, 11, 24)),
        ("the day after tomorrow", date(2026, 11, 25)),
        ("friday", date(2026, 11, 27)),
        ("Friday.", date(2026, 11, 27)),
        ("fri", date(2026, 11, 27)),
        ("on friday", date(2026, 11, 27)),
        ("by Friday", date(2026, 11, 27)),
        ("maybe friday", date(2026, 11, 27)),
        ("friday at noon", date(2026, 11, 27)),
        ("next friday", date(2026, 11, 27)),
        ("monday", date(2026, 11, 30)),
        ("next monday", date(2026, 11, 30)),
        ("in a week", date(2026, 11, 30)),
        ("two weeks", date(2026, 12, 7)),
        ("in two weeks", date(2026, 12, 7)),
        ("in 2 weeks", date(2026, 12, 7)),
        ("in 3 days", date(2026, 11, 26)),
        ("in a month", date(2026, 12, 23)),
        ("in a year", date(2027, 11, 23)),
        ("27 november", date(2026, 11, 27)),
        ("27th November", date(2026, 11, 27)),
        ("November 27", date(2026, 11, 27)),
        ("27.11.", date(2026, 11, 27)),
        ("27.11.2026", date(2026, 11, 27)),
        ("2026-11-27", date(2026, 11, 27)),
        ("friday 27 november", date(2026, 11, 27)),
        ("the 27th", date(2026, 11, 27)),
        ("1 january", date(2027, 1, 1)),
        ("22 november", date(2027, 11, 22)),
        ("29 february", date(2028, 2, 29)),
        ("２７ november", date(2026, 11, 27)),
    ],
)
def test_a_phrase_for_a_day_is_that_day(text: str, found: date) -> None:
    assert day(text) == found


@pytest.mark.parametrize("text", ["23 november", "November 23", "23.11.", "the 23rd", "23 November 2026"])
def test_the_name_of_today_is_today(text: str) -> None:
    assert day(text) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "found"),
    [("yesterday", date(2026, 11, 22)), ("2 days ago", date(2026, 11, 21)), ("a week ago", date(2026, 11, 16))],
)
def test_a_day_that_is_past_is_read_so_that_it_can_be_told(text: str, found: date) -> None:
    assert day(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "…",
        "nonsense",
        "soon",
        "never",
        "maybe",
        "yes",
        "no",
        "5",
        "when I have time",
        "not friday",
        "friday or saturday",
        "every friday",
        "a week from friday",
        "31 november",
        "30 february",
        "99.99.9999",
        "x" * (LONGEST_PHRASE + 1),
        "x" * 100_000,
    ],
)
def test_what_is_no_phrase_for_a_day_is_none(text: str) -> None:
    assert day(text) is None


def test_last_friday_is_not_the_next_one() -> None:
    assert day("last friday") in (None, date(2026, 11, 20))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on friday, after class", date(2026, 11, 27)),
        ("I will do it friday", date(2026, 11, 27)),
        ("friday next week", date(2026, 12, 4)),
        ("monday next week", date(2026, 11, 30)),
    ],
)
def test_a_weekday_is_found_in_a_short_phrase(text: str, found: date) -> None:
    assert day(text) == found


@pytest.mark.parametrize(
    "text",
    ["may", "in may", "march", "dec", "november", "november 2026", "in 2027", "a", "two", "ten", "at 5", "5pm"],
)
def test_a_phrase_that_names_no_day_is_not_completed_with_one(text: str) -> None:
    """ "May" is not the 23rd of May, and "a" is not the 23rd of January."""
    assert day(text) is None


def test_the_first_of_the_month_is_not_a_day_in_january() -> None:
    assert day("the 1st") in (None, date(2026, 12, 1))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5.12.", date(2026, 12, 5)),
        ("5.12", date(2026, 12, 5)),
        ("05.12.", date(2026, 12, 5)),
        ("5. 12.", date(2026, 12, 5)),
        ("20.12.", date(2026, 12, 20)),
        ("5.1.", date(2027, 1, 5)),
        ("5.12.2026", date(2026, 12, 5)),
        ("05.12.26", date(2026, 12, 5)),
        ("29.2.", date(2028, 2, 29)),
        ("by 5.12.", date(2026, 12, 5)),
    ],
)
def test_a_date_with_dots_is_no_time_of_day_and_has_its_day_first(text: str, found: date) -> None:
    assert day(text) == found


@pytest.mark.parametrize("text", ["9.30", "31.11.", "0.0.", "5.13.", "29.2.2027"])
def test_a_date_with_dots_that_there_is_not_is_none(text: str) -> None:
    assert day(text) is None


def test_a_day_is_counted_from_the_persons_own_date() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert read_day("tomorrow", late, "en") == date(2026, 11, 24)
    assert read_day("tomorrow", late.astimezone(ZoneInfo("Asia/Tokyo")), "en") == date(2026, 11, 25)
    assert read_day("tomorrow", late.astimezone(ZoneInfo("America/Los_Angeles")), "en") == date(2026, 11, 24)


def test_a_day_is_read_only_where_a_day_is_asked_for() -> None:
    assert meant(at("step_what"), "friday").day is None
    assert meant(at("next_session"), "friday").day == date(2026, 11, 27)


@given(st.text(max_size=45))
def test_any_text_is_a_day_or_none(text: str) -> None:
    assert isinstance(day(text), date | None)


# ---- places


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Berlin", ("Europe/Berlin",)),
        (" berlin ", ("Europe/Berlin",)),
        ("Berlin!", ("Europe/Berlin",)),
        ("new york", ("America/New_York",)),
        ("New York", ("America/New_York",)),
        ("Europe/Berlin", ("Europe/Berlin",)),
        ("europe/berlin", ("Europe/Berlin",)),
        ("Port of Spain", ("America/Port_of_Spain",)),
        ("UTC", ("UTC",)),
    ],
)
def test_a_place_with_a_time_zone_of_its_own_is_that_zone(text: str, found: tuple[str, ...]) -> None:
    assert zones(text) == found


@pytest.mark.parametrize("text", ["", "nonsense", "Springfield", "near Berlin or so", "../etc/passwd", "x" * 10_000])
def test_a_place_without_one_is_none(text: str) -> None:
    assert zones(text) == ()


@pytest.mark.parametrize("text", ["Singapore", "Istanbul", "Louisville", "Buenos Aires"])
def test_a_zone_with_two_names_is_not_asked_about_twice(text: str) -> None:
    """ "Which of these is it? [Singapore] [Singapore]" helps nobody."""
    assert len(zones(text)) == 1


@pytest.mark.parametrize("text", ["localtime", "Factory", "EST"])
def test_a_zone_that_is_nobodys_is_none(text: str) -> None:
    """The server's own zone, none at all, and New York's without its summer."""
    assert zones(text) == ()


def test_what_is_read_is_a_zone_that_exists() -> None:
    for name in sorted(available_timezones()):
        assert set(zones(name)) <= available_timezones()


def test_a_place_is_read_where_one_is_asked_for() -> None:
    person = Person(user_id=SOME_ID, name="Mira")
    asked = Chat(chat_id=1, person=person, conversation=Conversation(awaiting="timezone"))
    assert meant(asked, "Berlin") == Reading(zones=("Europe/Berlin",))
    command = CommandSent(id=SOME_ID, chat_id=1, sender=MIRA, name="timezone", argument="new york")
    read_command = read(command, Chat(chat_id=1, person=person), NOW)
    assert read_command == command.evolve(reading=Reading(zones=("America/New_York",)))


def test_every_large_city_is_in_a_zone_that_exists() -> None:
    for line in (Path(bot.__file__).parent / "cities.txt").read_text(encoding="utf-8").splitlines():
        zone, _, names = line.partition(": ")
        if not line.startswith("#"):
            assert zone in available_timezones()
            assert all(zones(name) for name in names.split("|")), line


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ("3 to 7 pm", ("15:00", "19:00")),
        ("9 to 5 pm", ("09:00", "17:00")),
        ("9 to 12 pm", ("09:00", "12:00")),
        ("11 to 12 pm", ("11:00", "12:00")),
        ("9-17", ("09:00", "17:00")),
    ],
)
def test_hours_of_a_day_are_read_as_a_coach_writes_them(said: str, hours: tuple[str, str]) -> None:
    """One "pm" stands for both where the hours rise towards it."""
    assert read_hours(said, "en", by_day=True) == hours
