"""The private address of a calendar: made in the chat, fetched over HTTP as a calendar does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import vobject
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from bot.feeds import Feeds
from bot.http import Server, application
from bot.parse import hash_of
from bot.settings import Settings
from flows.ids import short_id
from storage import tables as t
from storage.outbox import Row
from tests.deeds import at, books, cancels, moves
from tests.playbook import Coachee, Play
from tests.test_calendars import FIRST, SECOND, THIRD, entries, shares
from tests.village import coach, coachee, everything_in, id_of, operator, parent

PUBLIC = "https://coach.example"
ADDRESS = re.compile(rf"{PUBLIC}/calendar/([A-Za-z0-9_-]{{43}})\.ics")


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A deployment with calendar addresses; Ana coaches Mira, whose parent Paula sees when her sessions are."""
    async with Play(database, public_url=PUBLIC) as made:
        await operator(made)
        ana = await coach(made, "Ana")
        mira = await coachee(made, "Mira", ana)
        await parent(made, "Paula", mira, ana)
        await shares(mira)
        yield made


@pytest.fixture
async def web(play: Play) -> AsyncIterator[httpx.AsyncClient]:
    """The pages, served."""
    async with serving(play, Feeds(play.core.engine, play.core.runner.threads, play.clock)) as client:
        yield client


@asynccontextmanager
async def serving(play: Play, feeds: Feeds | None) -> AsyncIterator[httpx.AsyncClient]:
    """A real server on a port of its own, and somebody who asks it."""

    async def ready() -> bool:
        return True

    async def page() -> bytes:
        return b""

    server = Server(application(None, None, ready, page, feeds.fetch if feeds else None), 0)
    serves = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    server.should_exit = True
    await serves


async def asks(person: Coachee, act: str = "feed:new") -> None:
    """Press on the calendar's card."""
    await person.press_data(f"b:0::{act}")


def token_of(person: Coachee) -> str:
    """The token of the newest address that somebody was given."""
    return [found[1] for shown in person.screen for found in ADDRESS.finditer(shown.text)][-1]


async def address(person: Coachee) -> str:
    """The path of a new address of somebody's calendar."""
    await asks(person)
    return f"/calendar/{token_of(person)}.ics"


async def fetched(web: httpx.AsyncClient, path: str) -> Any:
    """What a calendar reads there."""
    answer = await web.get(path)
    assert answer.status_code == 200, answer.text
    return vobject.readOne(answer.text)


def uids(calendar: Any) -> list[str]:
    """Whose entries there are."""
    return [e.uid.value for e in getattr(calendar, "vevent_list", [])]


# ---- the address


async def test_the_card_says_what_an_address_is_before_there_is_one(play: Play) -> None:
    """Explained, made, made anew, ended: by its buttons."""
    await play.script("""
        Mira: /agenda
        coach: Sessions
        Mira: [Calendar address]
    """)
    mira = play.coachee("Mira")
    assert "Whoever has the address sees" in mira.newest_with_buttons().text
    assert list(mira.newest_with_buttons().buttons) == ["Make an address", "Sessions"]
    await mira.presses("Make an address")
    assert "The address of your calendar: https://coach.example/calendar/" in mira.screen[-1].text
    assert list(mira.screen[-1].buttons) == ["End the address"]
    assert list(mira.screen[-2].buttons) == ["New address", "End the address", "Sessions"]
    await mira.presses("End the address")
    assert "There is no address yet." in mira.screen[-1].text


async def test_the_token_is_kept_nowhere_and_only_its_hash_finds_the_calendar(play: Play, web: Any) -> None:
    mira = play.coachee("Mira")
    await books(play, play.coachee("Ana"), mira, FIRST)
    path, token = await address(mira), token_of(mira)
    assert (await web.get(path)).status_code == 200
    await play.core.runner.flush()
    assert token not in everything_in(play)
    [row] = play.rows(select(t.calendar_feeds))
    assert (row.user_id, row.token_hash) == (id_of(play, mira), hash_of(token))
    assert (await web.get(f"/calendar/{row.token_hash}.ics")).status_code == 404


async def test_a_new_address_ends_the_old_one_at_once_and_an_ended_one_is_gone(play: Play, web: Any) -> None:
    mira = play.coachee("Mira")
    first = await address(mira)
    second = await address(mira)
    assert [(await web.get(path)).status_code for path in (first, second)] == [404, 200]
    await asks(mira, "nofeed")
    assert [(await web.get(path)).status_code for path in (first, second)] == [404, 404]
    third = await address(mira)
    assert [(await web.get(path)).status_code for path in (second, third)] == [404, 200]


async def test_an_address_that_was_taken_back_before_it_was_sent_is_not_sent(play: Play, web: Any) -> None:
    """The message waited in the outbox; so did one of two that were asked for."""
    mira, waiting = play.coachee("Mira"), list[Row]()
    put, play.core.performer.put = play.core.performer.put, waiting.extend  # type: ignore[method-assign]
    await asks(mira)
    await asks(mira, "nofeed")
    play.core.performer.put = put  # type: ignore[method-assign]
    play.core.performer.put(waiting)
    await play.core.performer.quiet()
    assert not [shown for shown in mira.screen if ADDRESS.search(shown.text)]
    assert [row.token_hash for row in play.rows(select(t.calendar_feeds))] == [None]
    waiting.clear()
    play.core.performer.put = waiting.extend  # type: ignore[method-assign]
    await asks(mira)
    await asks(mira)
    play.core.performer.put = put  # type: ignore[method-assign]
    play.core.performer.put(waiting)
    await play.core.performer.quiet()
    sent = [found[1] for shown in mira.screen for found in ADDRESS.finditer(shown.text)]
    assert len(sent) == 1
    assert (await web.get(f"/calendar/{sent[0]}.ics")).status_code == 200


async def test_an_address_whose_sending_was_cut_off_is_sent_again_and_works(play: Play, web: Any) -> None:
    """A process died between making and marking: the next one sends another, and the one before is void."""
    mira = play.coachee("Mira")
    first = await address(mira)
    await play.core.runner.flush()
    with play.core.engine.begin() as connection:
        again = {"status": "pending", "done_at": None, "owner": None, "lease_until": None}
        connection.execute(update(t.outbox).where(t.outbox.c.kind == "feed").values(**again))
    await play.core.chores.take_up()
    await play.core.performer.quiet()
    second = f"/calendar/{token_of(mira)}.ics"
    assert first != second
    assert [(await web.get(path)).status_code for path in (first, second)] == [404, 200]


async def test_without_a_public_address_the_card_says_so_and_offers_a_file(database: str) -> None:
    async with Play(database) as play:
        await operator(play)
        ana = await coach(play, "Ana")
        mira = await coachee(play, "Mira", ana)
        await asks(mira, "feed")
        assert "There are no calendar addresses here" in mira.screen[-1].text
        assert list(mira.screen[-1].buttons) == ["Sessions"], "there is nothing to put into a file"
        [first] = await books(play, ana, mira, FIRST)
        await asks(mira, "feed")
        assert list(mira.screen[-1].buttons) == ["Calendar file", "Sessions"]
        await mira.presses("Calendar file")
        assert uids(vobject.readOne(play.screens.sent_files[-1][2].decode())) == [f"{first}@waymark"]
        await asks(mira)
        assert play.rows(select(t.calendar_feeds)) == []
        assert not play.rows(select(t.outbox.c.id).where(t.outbox.c.kind == "feed")), "forged, and nothing came of it"
        async with serving(play, None) as web:
            assert (await web.get(f"/calendar/{'A' * 43}.ics")).status_code == 404


# ---- what is there


async def test_everybody_reads_the_sessions_that_concern_them(play: Play, web: Any) -> None:
    """Coachee, coach and seeing parent, each in their own words; an operator has none of their own."""
    ana, mira, paula, olga = (play.coachee(name) for name in ("Ana", "Mira", "Paula", "Olga"))
    first, second = await books(play, ana, mira, FIRST, SECOND)
    tom = await coachee(play, "Tom", ana)
    [third] = await books(play, ana, tom, THIRD)
    read = {p.name: await fetched(web, await address(p)) for p in (ana, mira, paula, olga, tom)}
    assert [e[4] for e in entries(read["Mira"])] == ["Session 1 with Ana", "Session 2 with Ana"]
    assert [e[4] for e in entries(read["Paula"])] == ["Session 1: Mira with Ana", "Session 2: Mira with Ana"]
    assert [e[4] for e in entries(read["Ana"])] == [
        "Session 1 with Mira",
        "Session 2 with Mira",
        "Session 1 with Tom",
    ]
    assert uids(read["Mira"]) == [f"{first}@waymark", f"{second}@waymark"]
    assert entries(read["Mira"])[0][2:4] == (at(FIRST), at(FIRST) + timedelta(minutes=45))
    assert uids(read["Tom"]) == [f"{third}@waymark"]
    assert uids(read["Olga"]) == []
    assert read["Mira"].method.value == "PUBLISH"


async def test_a_parent_who_may_not_see_it_any_more_reads_nothing(play: Play, web: Any) -> None:
    """As the child shows it at the moment of the reading."""
    ana, mira, paula = (play.coachee(name) for name in ("Ana", "Mira", "Paula"))
    await books(play, ana, mira, FIRST)
    path = await address(paula)
    assert len(uids(await fetched(web, path))) == 1
    await shares(mira)
    assert uids(await fetched(web, path)) == []
    await shares(mira)
    with play.core.engine.begin() as connection:
        connection.execute(update(t.guardianships).values(active=False))
    assert uids(await fetched(web, path)) == []


async def test_a_coach_whose_tie_has_ended_reads_nothing_of_that_coachee(play: Play, web: Any) -> None:
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    await books(play, ana, mira, FIRST)
    path = await address(ana)
    assert len(uids(await fetched(web, path))) == 1
    with play.core.engine.begin() as connection:
        connection.execute(update(t.coach_coachee_mappings).values(active=False))
    assert uids(await fetched(web, path)) == []


async def test_moved_and_cancelled_sessions_are_marked_and_old_ones_leave(play: Play, web: Any) -> None:
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    first, second = await books(play, ana, mira, FIRST, SECOND)
    path = await address(mira)
    await moves(play, ana, first, THIRD)
    await cancels(play, ana, second, "a reason of one's own")
    answer = await web.get(path)
    assert "a reason" not in answer.text
    gone, moved = entries(vobject.readOne(answer.text))
    assert (gone[0], gone[1], gone[4], gone[6]) == (
        f"{second}@waymark",
        1,
        "Cancelled: Session 2 with Ana",
        "CANCELLED",
    )
    assert (moved[0], moved[1], moved[2], moved[6]) == (f"{first}@waymark", 1, at(THIRD), "CONFIRMED")
    play.clock.move(at(SECOND) + timedelta(days=34))
    assert len(uids(await fetched(web, path))) == 2
    play.clock.move(at(SECOND) + timedelta(days=36))
    assert uids(await fetched(web, path)) == [f"{first}@waymark"]


async def test_it_is_in_the_language_of_whose_it_is(play: Play, web: Any) -> None:
    """The name of the coach in another script stands there without marks that a calendar shows as boxes."""
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    await books(play, ana, mira, FIRST)
    path = await address(mira)
    with play.core.engine.begin() as connection:
        connection.execute(update(t.users).where(t.users.c.name == "Ana").values(name="آنا"))
    title = (await fetched(web, path)).vevent.summary.value
    assert title == "Session 1 with آنا"


# ---- how it is fetched


async def test_what_has_not_changed_is_not_sent_again(play: Play, web: Any) -> None:
    """The tag stays as long as nothing changes, however late it is asked."""
    ana, mira = play.coachee("Ana"), play.coachee("Mira")
    [first] = await books(play, ana, mira, FIRST)
    path = await address(mira)
    answer = await web.get(path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"].startswith("private")
    tag = answer.headers["etag"]
    play.clock.move(play.clock.now() + timedelta(minutes=50))
    for known in (tag, f'"other", W/{tag}', "*"):
        again = await web.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await web.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
    head = await web.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    assert (await web.post(path)).status_code == 405
    await moves(play, ana, first, SECOND)
    assert (await web.get(path, headers={"If-None-Match": tag})).status_code == 200


@pytest.mark.parametrize("made", [{"standing": "inactive"}, {"standing": "waiting"}, {"standing": "joining"}])
async def test_who_takes_no_part_has_no_calendar(play: Play, web: Any, made: dict[str, str]) -> None:
    mira = play.coachee("Mira")
    path = await address(mira)
    named = update(t.users).where(t.users.c.id == id_of(play, mira))
    with play.core.engine.begin() as connection:
        connection.execute(named.values(**made))
    assert (await web.get(path)).status_code == 404
    with play.core.engine.begin() as connection:
        connection.execute(named.values(standing="active"))
    assert (await web.get(path)).status_code == 200


async def test_who_wants_to_be_forgotten_has_no_calendar(play: Play, web: Any) -> None:
    mira = play.coachee("Mira")
    path = await address(mira)
    with play.core.engine.begin() as connection:
        soon = play.clock.now() + timedelta(days=7)
        connection.execute(update(t.users).where(t.users.c.name == "Mira").values(deletion_due_at=soon))
    assert (await web.get(path)).status_code == 404


@pytest.mark.parametrize(
    "path", ["A" * 43, "A" * 42, "A" * 44, "A" * 5000, "../healthz", "%00" * 43, "ü" * 43, "' OR 1=1 --" + "A" * 32]
)
async def test_an_address_that_was_never_there_is_answered_alike(play: Play, web: Any, path: str) -> None:
    mira = play.coachee("Mira")
    await asks(mira, "nofeed")  # a row whose hash is none
    answer = await web.get(f"/calendar/{path}.ics")
    assert (answer.status_code, answer.text) in ((404, "no calendar here"), (404, "Not Found"))


async def test_a_database_that_is_away_is_said_and_nothing_breaks(play: Play) -> None:
    class Away(Feeds):
        async def fetch(self, token: str) -> bytes | None:
            raise OperationalError("", {}, Exception("away"))

    async with serving(play, Away(play.core.engine, play.core.runner.threads, play.clock)) as web:
        answer = await web.get(f"/calendar/{'A' * 43}.ics")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


async def test_a_fetch_is_not_logged(
    play: Play, web: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not the token, by no logger of the server, at no level."""
    mira = play.coachee("Mira")
    path, token = await address(mira), token_of(mira)
    with caplog.at_level("DEBUG"):
        await web.get(path)
        await web.get(f"/calendar/{'B' * 43}.ics")
    server_said = [r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    printed = capfd.readouterr()
    for said in ("\n".join(server_said), printed.out, printed.err):
        assert token not in said
        assert "B" * 43 not in said


async def test_fetching_writes_nothing_and_does_not_wait_for_the_writer(play: Play, web: Any) -> None:
    """While a transaction writes, the calendar is read."""
    mira = play.coachee("Mira")
    await books(play, play.coachee("Ana"), mira, FIRST)
    path = await address(mira)
    await play.core.runner.flush()
    before = everything_in(play)
    with play.core.engine.begin() as connection:
        connection.execute(update(t.users).values(name="Somebody"))
        answer = await asyncio.wait_for(web.get(path), 10)
        assert "with Ana" in answer.text
        connection.rollback()
    assert everything_in(play) == before


# ---- where


def test_the_public_address_is_one_to_which_a_secret_may_go() -> None:
    def given(**values: Any) -> Settings:
        return Settings(_env_file=None, webhook_secret="x" * 8, **values)

    assert given(public_url="https://a.example/coach/").calendars_url == "https://a.example/coach"
    assert given(webhook_url="https://b.example/telegram").calendars_url == "https://b.example"
    assert given(public_url="https://a.example", webhook_url="https://b.example").calendars_url == "https://a.example"
    assert given(webhook_url="http://b.example/telegram").calendars_url is None
    assert given().calendars_url is None
    assert given().policy.feeds is False
    for wrong in ("http://a.example", "a.example", "ftp://a.example", "https://"):
        with pytest.raises(ValidationError, match="PUBLIC_URL"):
            given(public_url=wrong)


async def test_who_may_press_it(play: Play) -> None:
    """Forged data changes nothing, and a press twice gives one address that holds."""
    mira = play.coachee("Mira")
    await mira.press_data(f"b:0:{short_id(id_of(play, mira))}:feed")
    await mira.press_data("b:0::feed:nonsense")
    assert play.rows(select(t.calendar_feeds)) == []
