"""The way in, as people walk it: a first card, an answer each, a way back; a parent for the young; and who stays out.

What a person writes before they are in is kept nowhere, and no model is asked anything.
"""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from bot.ages import AGES, consent_age, country, parsed
from bot.parse import zones_at
from bot.reading import read_year, zones
from bot.render import words_of
from bot.settings import Settings
from flows.changes import GuardianshipKept, InviteMade, PersonMet, RoleGranted, StandingChanged, TieKept
from flows.events import InviteOpened, PlaceSent
from flows.state import Chat, Conversation, Joining
from storage import tables as t
from storage.saving import save
from storage.unit_of_work import Settled
from tests.coachee import conversation
from tests.playbook import Coachee, Play
from tests.servers import ModelServer

CANARY = "the-heron-lands-at-dawn"
TO_THE_PLACE = """
    Mira: /start
    coach: Hello Mira. I am Waymark, a coaching program, not a person.
    buttons: ✓ English | Español | हिन्दी | العربية
    Mira: [English]
    coach: Where are you?
"""
TO_THE_NOTICE = f"""{TO_THE_PLACE}
    Mira: [Berlin]
    coach: In Berlin it is Monday 23 November, 17:05 now. Is that your time?
    buttons: Yes | Another place
    Mira: [Yes]
    coach: I am a machine.
"""
TO_THE_YEAR = f"""{TO_THE_NOTICE}
    Mira: [I understand]
    coach: In which year were you born?
    buttons: Rather not say | « Back
"""
A_MINOR = f"""{TO_THE_YEAR}
    Mira: 2013
    coach: You wrote 2013. If that is right, write it once more
    Mira: 2013
    coach: so a parent has to agree
    buttons: Look again | A new link
    coach: Hi, this is Mira.
"""


@pytest.fixture
def play(database: str) -> Play:
    """A stage on which nobody is vouched for."""
    return Play(database)


def stranger(play: Play, name: str = "Mira", language: str = "en") -> Coachee:
    """Somebody of whom nothing is known."""
    return play.coachee(name, language, vouched=False)


def texts(person: Coachee) -> list[str]:
    """What stands in a chat now."""
    return [shown.text for shown in person.screen]


def user(play: Play, person: Coachee) -> tuple[str, int | None, str, str]:
    """The standing, year, language and time zone that are kept of a person."""
    u = t.users.c
    query = select(u.standing, u.birth_year, u.language, u.timezone).where(u.telegram_id == person.chat_id)
    [row] = play.rows(query)
    return tuple(row)


def roles(play: Play) -> list[str]:
    return [row.role for row in play.rows(select(t.user_roles.c.role).order_by(t.user_roles.c.role))]


def everything(play: Play) -> str:
    """Every value of every table."""
    return json.dumps(
        [
            [table.name, [tuple(map(str, row)) for row in play.rows(select(table))]]
            for table in t.metadata.sorted_tables
        ]
    )


def rows_of(play: Play) -> dict[str, int]:
    """How many rows each table has, of those that say something of a person."""
    return {table.name: len(play.rows(select(table))) for table in t.metadata.sorted_tables if table.name != "outbox"}


def someone_else(play: Play, name: str, chat_id: int) -> UUID:
    """A person who is in, with no chat in this play."""
    user_id = uuid4()
    chat = Chat(chat_id=chat_id)
    met = PersonMet(user_id=user_id, telegram_id=chat_id, name=name, language="en", timezone="UTC", standing="active")
    with play.core.engine.begin() as connection:
        save(connection, [(chat, Settled(chat=chat, changes=(met,)))], now=play.clock.now(), owner="test")
    return user_id


def keep(play: Play, *changes: object) -> None:
    """Rows that another part of the product writes."""
    chat = Chat(chat_id=-1)
    with play.core.engine.begin() as connection:
        save(connection, [(chat, Settled(chat=chat, changes=changes))], now=play.clock.now(), owner="test")  # type: ignore[arg-type]


def id_of(play: Play, person: Coachee) -> UUID:
    [row] = play.rows(select(t.users.c.id).where(t.users.c.telegram_id == person.chat_id))
    found: UUID = row.id
    return found


# ---- a grown person


async def test_an_adult_comes_by_start(play: Play) -> None:
    """Five answers, each card says afterwards what was answered, and the menu is there."""
    async with play:
        mira = stranger(play)
        await play.script(f"""{TO_THE_YEAR}
            Mira: 1990
            coach: Hi Mira. I am Waymark
            coach: Mira · Monday 23 November, 17:05 (Berlin)
            buttons: Start a session | My plan | Settings | Help
            """)
        assert user(play, mira) == ("active", 1990, "en", "Europe/Berlin")
        assert roles(play) == ["coachee"]
        assert conversation(play, mira).joining is None
        assert "session" in play.screens.commands[mira.chat_id]
        assert texts(mira)[:5] == [
            "Language: English",
            "Place: Berlin",
            "Your time: Monday 23 November, 17:05 (Berlin)",
            "You know what is kept, and who can read it.",
            "Born in 1990",
        ]


async def test_an_adult_comes_by_session(play: Play) -> None:
    """The session they came for begins at once."""
    async with play:
        mira = stranger(play)
        await play.script(f"""{TO_THE_YEAR.replace("/start", "/session")}
            Mira: 1990
            coach: How present are you
            Mira: [7]
            coach: What is it like
            """)
        assert "Start a session" not in str([shown.buttons for shown in mira.screen])


async def test_everything_may_be_typed(play: Play) -> None:
    async with play:
        mira = stranger(play)
        await play.script("""
            Mira: hello
            coach: Hello Mira.
            Mira: Deutsch
            coach: Which language
            Mira: english
            coach: Where are you?
            Mira: Atlantis
            coach: I don't know that place.
            Mira: São Paulo
            coach: In Sao Paulo it is Monday 23 November, 13:05 now.
            Mira: no
            coach: Where are you?
            Mira: भारत
            coach: In Kolkata it is Monday 23 November, 21:35 now.
            Mira: Germany
            coach: In Berlin it is
            Mira: yes
            coach: I am a machine.
            Mira: ok
            coach: In which year
            Mira: twelve
            coach: I could not read a year from that.
            Mira: 3000
            coach: I could not read a year from that.
            Mira: २००१
            coach: Hi Mira.
            """)
        assert user(play, mira) == ("active", 2001, "en", "Europe/Berlin")


async def test_a_way_back_at_each_step(play: Play) -> None:
    """The card asks what it asked before; going on again makes a new one."""
    async with play:
        mira = stranger(play)
        await play.script(TO_THE_YEAR)
        card = mira.newest_with_buttons()
        for label, words in (
            ("« Back", "I am a machine."),
            ("« Back", "Is that your time?"),
            ("Another place", "Where are you?"),
            ("« Back", "Which language"),
        ):
            await mira.presses(label)
            assert words in card.text
            assert mira.newest_with_buttons() is card
        await play.script("""
            Mira: back
            coach: Which language
            Mira: [Español]
            """)
        assert user(play, mira)[2] == "es"


async def test_a_place_that_several_could_be(play: Play) -> None:
    async with play:
        stranger(play)
        await play.script(f"""{TO_THE_PLACE}
            Mira: Australia
            coach: Which of these is it?
            Mira: [Perth]
            coach: In Perth it is Tuesday 24 November, 00:05 now.
            Mira: [Another place]
            Mira: [Sydney]
            coach: In Sydney it is
            """)


async def test_where_they_are(play: Play) -> None:
    """A location says which time is theirs, and the key that sends it goes away again."""
    async with play:
        mira = stranger(play)
        await play.script(f"{TO_THE_PLACE}\n Mira: [Send my location]\n coach: The key below")
        asking = mira.screen[-1].message
        assert asking.keyboard == (("Send my location",),)
        assert asking.asks_place
        assert zones_at(52.52, 13.405) == ("Europe/Berlin",)
        assert zones_at(0.0, -140.0) == (), "a place at sea has no time of its own"
        place = PlaceSent(id=play.next_id(), chat_id=mira.chat_id, sender=mira.sender, zones=zones_at(52.52, 13.405))
        await play.happens(place)
        assert any(shown.message.keyboard == () for shown in mira.screen)
        await play.script("""
            Mira: [Yes]
            coach: I am a machine.
            """)
        assert "52.52" not in everything(play)


async def test_what_exactly(play: Play) -> None:
    """Without a model none is spoken of."""
    async with play:
        mira = stranger(play)
        await play.script(TO_THE_NOTICE)
        assert "language model" not in mira.screen[-1].text
        await mira.presses("What exactly?")
        assert "Kept are your name" in mira.screen[-1].text
        assert list(mira.screen[-1].buttons) == ["I understand", "« Back"]
        await mira.presses("« Back")
        assert "I am a machine." in mira.screen[-1].text


async def test_the_model_can_be_switched_off_before_it_gets_a_word(database: str) -> None:
    async with (
        ModelServer() as model,
        Play(database, openai_api_key="k", openai_base_url=model.url, openai_model="m") as play,
    ):
        mira = stranger(play)
        await play.script(TO_THE_NOTICE)
        assert "A language model of another company" in mira.screen[-1].text
        for label, words in (
            ("What exactly?", "A language model, run by another company"),
            ("Without the language model", "No language model gets a word of yours."),
            ("With the language model", "A language model, run by another company"),
            ("Without the language model", "No language model gets a word of yours."),
        ):
            await mira.presses(label)
            assert words in mira.screen[-1].text
        await play.script("""
            Mira: [I understand]
            Mira: 1990
            coach: Hi Mira.
            """)
        assert play.rows(select(t.users.c.model_help)) == [(False,)]


async def test_rather_not_say(play: Play) -> None:
    """It is said what the year is for, and one may stop; later words go on."""
    async with play:
        mira = stranger(play)
        await play.script(TO_THE_YEAR)
        await mira.presses("Rather not say")
        assert "Without the year I cannot know" in mira.screen[-1].text
        await mira.presses("« Back")
        assert "In which year" in mira.screen[-1].text
        await mira.presses("Rather not say")
        await mira.presses("Stop here")
        assert "You stopped here." in mira.screen[-1].text
        await play.script("""
            Mira: hello again
            coach: In which year
            Mira: 1990
            coach: Hi Mira.
            """)


async def test_whatever_comes_puts_the_question_again(play: Play) -> None:
    """Words, commands, pictures and buttons of other cards; the card above has no buttons then."""
    async with play:
        mira = stranger(play)
        await play.script(TO_THE_NOTICE)
        for act in ("/start", "/plan", "so what is this", "/pause"):
            await mira.says(act)
            assert "I am a machine." in mira.screen[-1].text
        await mira.sends("photo")
        for data in ("m:0:home", "s:session", "a:1:7", "p:x:y", "z:Europe/Paris"):
            await mira.press_data(data)
            assert "I am a machine." in mira.screen[-1].text
        assert [shown for shown in mira.screen if shown.buttons] == [mira.screen[-1]]
        assert user(play, mira)[3] == "Europe/Berlin"


async def test_what_everybody_may_do_at_any_time(play: Play) -> None:
    """/language and /help at the door; what is asked comes in the new language."""
    async with play:
        mira = stranger(play)
        await play.script(f"""{TO_THE_NOTICE}
            Mira: /help
            coach: /session
            Mira: /language
            coach: Which language
            """)
        before = len(mira.screen)
        await mira.presses("English")
        assert "I am a machine." in mira.screen[-1].text
        assert len(mira.screen) == before + 1
        for name in ("privacy", "export", "delete", "human", "cancel"):
            await mira.says(f"/{name}")
            assert "I am a machine." not in mira.screen[-1].text or len(mira.screen) == before + 1
            before = len(mira.screen) - 1 if "I am a machine." in mira.screen[-1].text else before


@pytest.mark.parametrize("language", ["ar", "hi"])
async def test_in_another_language(play: Play, language: str) -> None:
    """The client's language comes first, and figures of its script are a year."""
    async with play:
        mira = stranger(play, language=language)
        await mira.says("/start")
        assert words_of("language.ask", language) in mira.screen[-1].text
        assert next(iter(mira.screen[-1].buttons)) == f"✓ {words_of(f'language.{language}', language)}"
        await mira.presses(words_of(f"language.{language}", language))
        await mira.says({"ar": "القاهرة", "hi": "भारत"}[language])
        await mira.presses(words_of("joining.button.right", language))
        await mira.presses(words_of("joining.button.understood", language))
        await mira.says({"ar": "١٩٩٠", "hi": "१९९०"}[language])
        zone = {"ar": "Africa/Cairo", "hi": "Asia/Kolkata"}[language]
        assert user(play, mira) == ("active", 1990, language, zone)


# ---- buttons that are old or forged, and a process that dies


FORGED = (
    "j:",
    "j::::",
    "j:1:zone:",
    "j:1:zone:Nowhere/Atlantis",
    "j:1:language:xx",
    "j:-1:language:en",
    "j:1:parent:agree",
    "j:99999999999999999999:notice:yes",
    "j:1:birth_year:1990",
    "j:٣:language:es",
    "j:1:invite:yes",
)


async def test_forged_buttons_change_nothing(play: Play) -> None:
    async with play:
        mira = stranger(play)
        await play.script(TO_THE_NOTICE)
        joining = conversation(play, mira).joining
        for data in FORGED:
            await mira.press_data(data)
            assert conversation(play, mira).joining == joining
        refused = play.rows(select(t.audit_log.c.outcome))
        assert len(refused) > 5
        assert {row.outcome for row in refused} == {"refused"}
        assert user(play, mira) == ("joining", None, "en", "Europe/Berlin")


async def test_old_buttons_change_nothing(play: Play) -> None:
    """Also once they are in."""
    async with play:
        mira = stranger(play)
        await mira.says("/start")
        old = [*mira.screen[-1].buttons.values()]
        await mira.presses("English")
        old += mira.screen[-1].buttons.values()
        await mira.presses("Berlin")
        for data in old:
            await mira.press_data(data)
        await play.script("""
            Mira: [Yes]
            Mira: [I understand]
            Mira: 1990
            coach: Hi Mira.
            """)
        before, shown = everything(play), len(mira.screen)
        for data in old:
            await mira.press_data(data)
            assert play.screens.toasts[-1] == "That is answered already."
        assert len(mira.screen) == shown
        assert user(play, mira) == ("active", 1990, "en", "Europe/Berlin")
        assert len(everything(play)) >= len(before)


async def test_a_restart_in_the_middle(play: Play) -> None:
    async with play:
        await stranger(play).says("/session")
        await play.script("""
            Mira: [English]
            -- restart
            Mira: [Berlin]
            -- restart
            Mira: [Yes]
            -- restart
            Mira: [I understand]
            -- restart
            Mira: 1990
            coach: How present are you
            """)


# ---- the young


async def test_a_minor_waits_for_a_parent(play: Play) -> None:
    """They get a link to send on. Whatever they write, they hear how things stand; nobody is bound to anything."""
    async with play:
        mira = stranger(play)
        await play.script(A_MINOR)
        assert user(play, mira) == ("waiting", 2013, "en", "Europe/Berlin")
        assert roles(play) == []
        [invite] = play.rows(select(t.invites))
        me = id_of(play, mira)
        assert (invite.role, invite.inviter_id, invite.coachee_id, invite.used_at) == ("parent", me, me, None)
        assert invite.expires_at == play.clock.now() + timedelta(days=14)
        assert invite.token_hash is not None
        link = mira.screen[-1]
        assert "https://t.me/waymark_bot?start=" in link.text
        assert not link.buttons
        await play.script("""
            Mira: /session
            coach: so a parent has to agree
            Mira: can we start
            coach: so a parent has to agree
            Mira: [Look again]
            toast: No parent has agreed yet.
            -- 3 days
            Mira: [A new link]
            coach: so a parent has to agree
            coach: Hi, this is Mira.
            """)
        first, second = play.rows(select(t.invites).order_by(t.invites.c.created_at))
        assert first.revoked_at is not None
        assert second.revoked_at is None
        assert mira.screen[-1].text != link.text


async def test_nothing_a_waiting_minor_says_is_kept_or_goes_to_a_model(database: str) -> None:
    """The canary is in no table, and the model was not asked once."""
    async with (
        ModelServer() as model,
        Play(database, openai_api_key="k", openai_base_url=model.url, openai_model="m") as play,
    ):
        mira = stranger(play)
        await mira.says("/start")
        await mira.says(f"{CANARY} 1")
        await play.script(TO_THE_YEAR.split("buttons: ✓ English", 1)[1].partition("\n")[2])
        await mira.says(f"{CANARY} 2")
        await mira.says("2013")
        await mira.says("2013")
        for words in (CANARY, f"/session {CANARY}", f"/{CANARY}", f"{CANARY} " * 40):
            await mira.says(words)
        await mira.edits(CANARY, f"{CANARY} edited")
        await mira.sends("voice")
        await mira.press_data(f"s:{CANARY}")
        await mira.press_data(f"j:3:parent:{CANARY}")
        await play.pass_time(timedelta(days=2))
        assert CANARY not in everything(play)
        assert play.rows(select(t.coaching_sessions)) == []
        assert play.rows(select(t.stage_responses)) == []
        assert play.rows(select(t.model_usage)) == []
        assert not model.requests


async def test_a_parent_agreed(play: Play) -> None:
    """The next thing that the child does goes its way, and they are on the way in no more."""
    async with play:
        mira = stranger(play)
        await play.script(A_MINOR)
        agree(play, mira)
        await mira.press_data("s:session")
        assert "How present are you" in mira.screen[-1].text
        assert conversation(play, mira).joining is None
        await mira.press_data(next(d for s in mira.screen for d in s.buttons.values() if d.endswith(":look")))
        assert mira.screen[-1].text.startswith("Mira · Monday")


def agree(play: Play, mira: Coachee) -> tuple[UUID, UUID]:
    """A parent agrees, as their part of the product keeps it."""
    parent, child = someone_else(play, "Zara", 900), id_of(play, mira)
    tie = uuid4()
    keep(play, _guardianship(play, tie, parent, child, agreed=True))
    keep(play, StandingChanged(user_id=child, standing="active"), RoleGranted(user_id=child, role="coachee"))
    return tie, parent


def _guardianship(play: Play, tie: UUID, parent: UUID, child: UUID, *, agreed: bool) -> GuardianshipKept:
    now = play.clock.now()
    return GuardianshipKept(
        guardianship_id=tie,
        parent_id=parent,
        child_id=child,
        active=True,
        agreed_at=now if agreed else None,
        withdrawn_at=None if agreed else now,
        at=now,
    )


async def test_a_parent_takes_it_back(play: Play) -> None:
    """The session stands still; what is written is not kept; there is a way to ask again."""
    async with play:
        mira = stranger(play)
        await play.script(A_MINOR)
        tie, parent = agree(play, mira)
        await mira.press_data("s:session")
        keep(play, _guardianship(play, tie, parent, id_of(play, mira), agreed=False))
        keep(play, StandingChanged(user_id=id_of(play, mira), standing="waiting"))
        await play.script(f"""
            Mira: {CANARY}
            coach: Your parent has taken back their agreement
            buttons: Look again | A new link
            Mira: [A new link]
            coach: Hi, this is Mira.
            """)
        assert CANARY not in everything(play)
        keep(play, StandingChanged(user_id=id_of(play, mira), standing="active"))
        await play.script("""
            Mira: [Look again]
            coach: Mira · Monday
            """)


async def test_old_enough_meanwhile(play: Play) -> None:
    """The year in which they surely are old enough has begun: their next word lets them in."""
    async with play:
        stranger(play)
        await play.script(f"""{TO_THE_YEAR}
            Mira: 2010
            Mira: 2010
            coach: so a parent has to agree
            -- until 2027-01-01 00:01
            Mira: hello
            coach: Hi Mira.
            """)
        assert roles(play) == ["coachee"]


async def test_a_coach_hears_that_a_parent_is_asked(play: Play) -> None:
    """If they are tied already."""
    async with play:
        mira = stranger(play)
        await play.script(TO_THE_YEAR)
        ana = someone_else(play, "Ana", 901)
        keep(
            play,
            TieKept(
                tie_id=uuid4(),
                coach_id=ana,
                coachee_id=id_of(play, mira),
                kind="primary",
                active=True,
                at=play.clock.now(),
            ),
        )
        await mira.says("2013")
        await mira.says("2013")
        [told] = play.screens.of[901]
        assert told.text.startswith("Mira came by, and a parent of theirs has to agree")


@pytest.mark.parametrize(
    ("place", "year", "standing"),
    [
        ("Vienna", 2011, "active"),
        ("Vienna", 2012, "waiting"),
        ("Berlin", 2009, "active"),
        ("Berlin", 2010, "waiting"),
        ("Kolkata", 2007, "active"),
        ("Kolkata", 2008, "waiting"),
        ("New York", 2012, "active"),
        ("New York", 2013, "waiting"),
    ],
)
async def test_the_age_is_that_of_the_country(play: Play, place: str, year: int, standing: str) -> None:
    async with play:
        mira = stranger(play)
        for act in ("/start", "english", place, "yes", "ok", str(year)):
            await mira.says(act)
        if standing == "waiting":
            await mira.says(str(year))
        assert user(play, mira)[:2] == (standing, year)


async def test_the_age_is_a_setting(database: str) -> None:
    async with Play(database, consent_ages="DE:13, AT:16") as play:
        mira, tom = stranger(play), stranger(play, "Tom")
        for person, place in ((mira, "Berlin"), (tom, "Vienna")):
            for act in ("/start", "english", place, "yes", "ok", "2012", "2012"):
                await person.says(act)
        assert (user(play, mira)[0], user(play, tom)[0]) == ("active", "waiting")


def test_ages() -> None:
    """Countries by their zones, also by old names; the highest age of Europe where nothing is known."""
    assert {country(zone) for zone in ("Asia/Calcutta", "Asia/Kolkata")} == {"IN"}
    assert country("UTC") is None
    assert consent_age("UTC", {}) == consent_age("Nowhere", {}) == consent_age("Asia/Tokyo", {}) == 16
    assert consent_age("Europe/Paris", {"FR": 13}) == 13
    assert all(13 <= age <= 18 for age in AGES.values())
    assert parsed("") == {}
    for wrong in ("DE", "DE:x", "Germany:16", "DE:99", "DE=16"):
        with pytest.raises(ValueError, match="DE:16,AT:14"):
            parsed(wrong)
    with pytest.raises(ValueError, match="consent_ages"):
        Settings(_env_file=None, consent_ages="nonsense")


def test_years_and_places() -> None:
    assert [read_year(text) for text in ("2009", "in ٢٠٠٩", "12.3.2009", "09", "2009 2010", "20099")] == [
        2009,
        2009,
        2009,
        None,
        None,
        None,
    ]
    assert zones("القاهرة") == ("Africa/Cairo",)
    assert zones("España") == ("Europe/Madrid", "Atlantic/Canary")
    assert "America/Sao_Paulo" in zones("Brazil")
    assert zones("nowhere at all") == ()
    assert zones("Mumbai") == zones("मुंबई") == zones("Delhi, India") == ("Asia/Kolkata",)


# ---- who stays out


async def test_by_invitation_only(database: str) -> None:
    """Somebody without a link is told so, and no row says that they were there."""
    async with Play(database, access="invite") as play:
        mira = stranger(play)
        before = rows_of(play)
        await play.script("""
            Mira: /start
            coach: This coach works by invitation.
            Mira: hello
            coach: This coach works by invitation.
            Mira: /start nonsense
            coach: This link cannot be used any more.
            """)
        await mira.press_data("j:1:language:en")
        after = rows_of(play)
        assert {name for name in after if after[name] != before[name]} <= {"updates", "audit_log"}
        assert CANARY not in everything(play)


async def test_an_invitation_opens_the_door(database: str) -> None:
    """A link that can be used lets them begin; one that expired does not."""
    async with Play(database, access="invite") as play:
        mira, tom = stranger(play), stranger(play, "Tom")
        ana = someone_else(play, "Ana", 902)
        keep(play, RoleGranted(user_id=ana, role="coach"))
        for token, days in (("good", 14), ("late", -1)):
            keep(play, _invite(play, ana, timedelta(days=days), token))
            with play.core.engine.begin() as connection:
                last = select(t.invites.c.id).where(t.invites.c.token_hash.is_(None)).scalar_subquery()
                connection.execute(t.invites.update().where(t.invites.c.id == last).values(token_hash=token))
        for person, token in ((mira, "good"), (tom, "late")):
            await play.happens(
                InviteOpened(id=play.next_id(), chat_id=person.chat_id, sender=person.sender, token_hash=token)
            )
        assert user(play, mira)[0] == "joining"
        assert "This link cannot be used any more." in tom.screen[-1].text
        assert len(play.rows(select(t.users))) == 2


def _invite(play: Play, inviter: UUID, within: timedelta, token: str) -> InviteMade:
    now = play.clock.now()
    return InviteMade(
        invite_id=uuid4(),
        role="coachee",
        inviter_id=inviter,
        coachee_id=None,
        coach_id=inviter,
        kind="primary",
        expires_at=now + within,
        at=now,
    )


async def test_whose_access_is_paused(play: Play) -> None:
    async with play:
        mira = play.coachee()
        await mira.says("/session")
        keep(play, StandingChanged(user_id=id_of(play, mira), standing="inactive"))
        await play.script(f"""
            Mira: {CANARY}
            coach: Your access is paused.
            Mira: /session
            coach: Your access is paused.
            Mira: /help
            coach: /session
            """)
        await mira.press_data("a:1:7")
        assert "Your access is paused." in mira.screen[-1].text
        assert CANARY not in everything(play)


async def test_who_is_vouched_for_goes_straight_in(play: Play) -> None:
    async with play:
        mira = play.coachee()
        await play.script("""
            Mira: /session
            coach: How present are you
            """)
        assert user(play, mira)[:2] == ("active", None)


async def test_who_was_here_before_is_asked_once(play: Play) -> None:
    """Their language and place are known; then they go on where they were."""
    async with play:
        mira = play.coachee()
        await mira.says("/session")
        keep(play, StandingChanged(user_id=id_of(play, mira), standing="joining"))
        mira.sender = mira.sender.evolve(vouched=False)
        await play.script("""
            Mira: 7
            coach: There are a few questions now that everybody is asked once
            buttons: Yes | Another place
            Mira: [Yes]
            Mira: [I understand]
            Mira: 1990
            coach: We go on where we were.
            coach: How present are you
            Mira: [7]
            coach: What is it like
            """)
        assert user(play, mira)[:2] == ("active", 1990)


def test_what_is_kept_of_the_way_in() -> None:
    """Nothing that a person could have written."""
    kept = set(Joining.__struct_fields__)
    assert kept == {*("step", "role", "card", "invite", "session", "zone", "place", "sent", "was", "bound", "year")}
    assert Conversation().joining is None
