"""Whatever a person does, they get a fitting answer, nothing they said is lost, and no question is skipped."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from storage import tables as t
from tests.coachee import answers, confirm, conversation, finish, session, step, walk
from tests.playbook import Play


@pytest.fixture
async def play(database: str) -> AsyncIterator[Play]:
    """A stage on each database."""
    async with Play(database) as made:
        yield made


async def test_text_where_a_number_is_asked(play: Play) -> None:
    """It is asked for kindly, the words are kept beside the question, and the number still counts."""
    await play.script("""
        Mira: /session
        Mira: not very, i think
        coach: A whole number from 1 to 10 helps me here.
        Mira: 0
        coach: A whole number from 1 to 10
        Mira: 11
        coach: A whole number from 1 to 10
        Mira: 7.5
        coach: A whole number from 1 to 10
        Mira: between 3 and 4
        coach: A whole number from 1 to 10
        Mira: a seven
        coach: What is it like to be you today?
    """)
    turns = answers(play, play.people["Mira"])[1].turns
    assert [(turn.text, turn.kind) for turn in turns][:2] == [("not very, i think", "aside"), ("0", "aside")]
    assert (turns[-1].kind, turns[-1].value) == ("answer", 7)


@pytest.mark.parametrize("text", ["😭", "…!?", "👍🏽👍🏽", "   ", "\u200f"])
async def test_only_emoji(play: Play, text: str) -> None:
    """A text without a word is asked for its words."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="topic")
    await mira.says(text)
    assert mira.screen[-1].text == "What would that be in words?"
    assert step(play, mira) == "topic"


async def test_twenty_thousand_characters(play: Play) -> None:
    """Too long a text is told its length and kept out; one as long as a message may be is kept whole."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="topic")
    await mira.says("long " * 4000)
    assert "characters; I can take in 4096 in one answer" in mira.screen[-1].text
    assert step(play, mira) == "topic"
    assert [turn.step for turn in answers(play, mira).get(2, answers(play, mira)[1]).turns].count("topic") == 0
    await mira.says(("wörter " * 600)[:4096])
    assert step(play, mira) == "topic_category"
    await walk(play, mira)
    assert all(len(shown.text) <= 4096 for shown in mira.screen)


@pytest.mark.parametrize(
    "text",
    [
        "أريد أن أقرأ بصوت عالٍ",
        "{topic} {0} %s",
        "*bold* <b>x</b> [a](b)",
        "'; DROP TABLE users; --",
        "\x00nul\x00 is in here",
        "👩‍👧 und ich und du",
    ],
)
async def test_words_are_only_words(play: Play, text: str) -> None:
    """Any script, markup or code in an answer is kept as it was said and shown as it was said."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="topic")
    await mira.says(text)
    clean = text.replace("\x00", "")
    assert answers(play, mira)[2].fields["topic"] == clean
    await walk(play, mira, until="starting_readback")
    assert clean in mira.screen[-1].text
    await walk(play, mira, step_what=text)
    summary, card = mira.screen[-2:]
    assert "Put together from your own answers" in summary.text
    assert clean in summary.text
    assert clean in card.text
    await confirm(mira)
    assert clean in card.text
    [row] = play.rows(select(t.action_plans))
    assert (row.title, row.description, row.evidence["words"]) == (clean, clean, clean)


@pytest.mark.parametrize("kind", ["sticker", "photo", "video", "document", "location", "contact"])
async def test_pictures_and_the_like(play: Play, kind: str) -> None:
    """What is understood today is said kindly; the question stays open."""
    mira = play.coachee()
    await mira.says("/session")
    await mira.sends(kind)
    assert [shown.text for shown in mira.screen[-2:]] == [
        "I understand words and taps today, not pictures, stickers or files. Could you say it in words?",
        "The question above is still open.",
    ]
    assert step(play, mira) == "presence_level"


async def test_voice(play: Play) -> None:
    """A voice message is thanked for, and not taken as an answer."""
    mira = play.coachee()
    await mira.says("/session")
    await mira.sends("voice")
    assert "I understand words and taps today, not voice yet" in mira.screen[-2].text
    assert session(play, mira).turns == 0


async def test_an_edited_answer_is_corrected(play: Play) -> None:
    """The new words count, as a new turn; the old ones stay; the open question stays open."""
    await play.script("""
        Mira: /session
        Mira: [7]
        Mira: fine
        coach: How ready are you
        Mira: ✎ fine => tired
        coach: Corrected. Your answer is now: tired
        coach said nothing
    """)
    mira = play.people["Mira"]
    kept = answers(play, mira)[1]
    assert kept.fields["emotional_state"] == ["tired"]
    assert [(turn.text, turn.kind, turn.replaces) for turn in kept.turns] == [
        ("7", "answer", None),
        ("fine", "answer", None),
        ("tired", "correction", 2),
    ]
    assert step(play, mira) == "readiness_score"


async def test_an_edit_that_changes_the_way(play: Play) -> None:
    """Where the corrected answer leads elsewhere, the conversation goes on from there: no exit is skipped."""
    await play.script("""
        Mira: /session
        Mira: 7
        Mira: fine
        Mira: [8]
        coach: Shall we begin?
        Mira: ✎ 7 => 3
        coach: Corrected. Your answer is now: 3
        coach: we go on from here
        coach: shall we take three slow breaths together?
    """)
    mira = play.people["Mira"]
    assert answers(play, mira)[1].fields == {"presence_level": 3}
    assert "fine" in [turn.text for turn in answers(play, mira)[1].turns]


async def test_an_edit_that_does_not_fit(play: Play) -> None:
    """The first answer stays, and what would fit is said."""
    await play.script("""
        Mira: /session
        Mira: 7
        Mira: ✎ 7 => lots
        coach: does not answer its question, so your first answer stays
    """)
    assert answers(play, play.people["Mira"])[1].fields["presence_level"] == 7


async def test_an_aside_edited_into_an_answer(play: Play) -> None:
    """What did not fit may be edited until it does."""
    await play.script("""
        Mira: /session
        Mira: sevn
        coach: A whole number
        Mira: ✎ sevn => seven
        coach: What is it like to be you today?
    """)


async def test_an_edit_after_the_end(play: Play) -> None:
    """Words are corrected in the record and the summary stays; ratings and choices of a complete session stay."""
    mira = play.coachee()
    await mira.says("/session")
    await mira.says("7")
    await walk(play, mira)
    stays = conversation(play, mira).plan, play.rows(select(t.coaching_sessions.c.summary))
    await play.script("""
        Mira: ✎ reading out loud in class => reading aloud, anywhere
        coach: Corrected. Your answer is now: reading aloud, anywhere
        coach: The summary stays as it was written until you have it written anew.
        buttons: Write it anew
        Mira: ✎ 7 => 3
        coach: ratings and choices stay as they are
    """)
    assert (conversation(play, mira).plan, play.rows(select(t.coaching_sessions.c.summary))) == stays
    assert answers(play, mira)[2].fields["topic"] == "reading aloud, anywhere"
    assert session(play, mira).phase == "complete"
    await mira.edits("/session", "/sesion")
    assert "nothing changed" in mira.screen[-1].text


async def test_two_answers_at_once(play: Play) -> None:
    """Words sent before the question could be seen are added to the answer before it; nothing is skipped."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="strengths")
    await mira.says("my cousin helps")
    await mira.says("and she is patient", ahead=True)
    assert mira.screen[-1].text.startswith("Added to your last answer.")
    assert answers(play, mira)[2].fields["strengths"] == "my cousin helps\nand she is patient"
    assert step(play, mira) == "obstacles"
    await mira.says("everybody looks")
    assert step(play, mira) == "resources"


async def test_words_ahead_of_a_question_after_a_button(play: Play) -> None:
    """After a button there is no answer to add to: the words are kept as a note."""
    mira = play.coachee()
    await mira.says("/session")
    await mira.presses("7")
    await mira.says("because i slept", ahead=True)
    assert "I kept that as a note" in mira.screen[-1].text
    assert [(turn.text, turn.kind) for turn in answers(play, mira)[1].turns] == [
        ("7", "answer"),
        ("because i slept", "aside"),
    ]


async def test_a_button_pressed_twice(play: Play) -> None:
    """The second press changes nothing and says so."""
    mira = play.coachee()
    await mira.says("/session")
    data = mira.newest_with_buttons().buttons["7"]
    await mira.press_data(data)
    shown = len(mira.screen)
    await mira.press_data(data)
    assert play.screens.toasts[-1] == "That question is answered already."
    assert len(mira.screen) == shown
    assert [turn.text for turn in answers(play, mira)[1].turns] == ["7"]


async def test_a_button_from_last_week(play: Play) -> None:
    """An old button changes nothing; the question that is open is put again."""
    mira = play.coachee()
    await mira.says("/session")
    old = mira.newest_with_buttons().buttons["3"]
    await walk(play, mira, until="importance")
    await play.script("-- 1 week")
    await mira.press_data(old)
    assert play.screens.toasts[-1].startswith("That button is from an earlier question.")
    assert mira.screen[-1].text.startswith('How much does "reading out loud in class"')
    assert step(play, mira) == "importance"
    await mira.presses("5")
    assert step(play, mira) == "problem_statement"


@pytest.mark.parametrize(
    "data",
    [
        *("", "a", "a:1", "a:1:99", "a:1:", "a:x:7", "a:-1:7", "a:99999:7", "a:1:7:7", "a:²:7", "a:1:²"),
        *("i:r:x:done", "i:menu1:AAAA:done", "m:1:secret", "m:x:home", "m:99999999999999999999:home"),
        *("s:", "z:Nowhere/Land", "z:../../etc/passwd", "q" * 64),
    ],
)
async def test_forged_buttons(play: Play, data: str) -> None:
    """A button that none of ours could be is answered and changes nothing of the session."""
    mira = play.coachee()
    await mira.says("/session")
    before = session(play, mira)
    outcome = await mira.press_data(data)
    assert outcome.error is None
    assert session(play, mira) == before
    assert len(play.screens.toasts) == 1
    assert play.rows(select(t.updates).where(t.updates.c.state != "claimed")) == []


async def test_somebody_elses_button(play: Play) -> None:
    """An item of another person is not found, whatever its id."""
    mira, ana = play.coachee("Mira"), play.coachee("Ana")
    await mira.says("/session")
    await finish(play, mira)
    await mira.says("/plan")
    data = next(d for d in mira.newest_with_buttons().buttons.values() if d.endswith(":done"))
    await ana.says("/start")
    await ana.press_data(data)
    assert play.screens.toasts[-1].startswith("That button does not work any more.")
    assert [row.status for row in play.rows(select(t.action_plans))] == ["pending"]


async def test_the_same_update_twice(play: Play) -> None:
    """A redelivered update is known and decides nothing."""
    mira = play.coachee()
    await mira.says("/session")
    await mira.says("7")
    before = conversation(play, mira)
    play._updates -= 1
    outcome = await mira.says("7")
    assert outcome.known
    assert conversation(play, mira) == before


async def test_unknown_commands_and_idle_words(play: Play) -> None:
    """Outside a session nothing is taken for an answer, and the way to one is shown."""
    await play.script("""
        Mira: hello?
        coach: I am Waymark, a coaching program, not a person.
        buttons: Start a session | My plan | Settings | Help
        Mira: i feel bad
        coach: Your words are not part of a session yet
        Mira: /dance now
        coach: I don't know /dance.
        Mira: /back
        coach: No question is open now.
        Mira: /pause
        coach: No question is open now.
        Mira: [Start a session]
        coach: How present are you
    """)


async def test_an_old_aside_edited_answers_nothing_else(play: Play) -> None:
    """Only what was said at the open question may become its answer by an edit."""
    await play.script("""
        Mira: /session
        Mira: not very presnt
        coach: A whole number
        Mira: [7]
        Mira: fine
        Mira: [8]
        Mira: [Yes, let us begin]
        coach: quarter of an hour
        Mira: ✎ not very presnt => not very present
        coach: It is not an answer I can still change
    """)
    mira = play.people["Mira"]
    assert step(play, mira) == "topic"
    assert 2 not in answers(play, mira)


async def test_a_taken_back_answer_edited_answers_nothing_else(play: Play) -> None:
    """After going back, editing what was said at a later question does not answer the open one."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="resources")
    await play.script("""
        Mira: /back
        Mira: /back
        Mira: ✎ everybody looks => everybody stares
        coach: nothing changed
    """)
    assert step(play, mira) == "strengths"
    assert "strengths" not in answers(play, mira)[2].fields


async def test_words_ahead_of_a_question_that_was_put_again(play: Play) -> None:
    """After going back, or coming back, there is no last answer to add to: the words answer the question."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="resources")
    await mira.says("/back")
    await mira.says("everybody stares at me", ahead=True)
    fields = answers(play, mira)[2].fields
    assert (fields["strengths"], fields["obstacles"]) == ("with my cousin i can do it fine", "everybody stares at me")


async def test_editing_a_part_of_an_answer(play: Play) -> None:
    """An answer written in several messages keeps its other parts when one of them is edited."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="strengths")
    await mira.says("my cousin helps")
    await mira.says("and she is patient", ahead=True)
    await mira.edits("and she is patient", "and she is very patient")
    assert answers(play, mira)[2].fields["strengths"] == "my cousin helps\nand she is very patient"
    await mira.edits("my cousin helps", "my cousin Lea helps")
    assert answers(play, mira)[2].fields["strengths"] == "my cousin Lea helps\nand she is very patient"
    assert step(play, mira) == "obstacles"


async def test_an_edit_that_changes_what_is_read_back(play: Play) -> None:
    """What stands above the buttons is what counts: it is put again with the new words."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="step_when")
    await play.script("""
        Mira: tomorrow
        coach: Tuesday 24 November 2026, right?
        Mira: ✎ tomorrow => in 9 days
        coach: Corrected. Your answer is now: Wednesday 2 December 2026
        coach: Wednesday 2 December 2026, right?
        Mira: [Right]
    """)
    assert answers(play, mira)[4].fields["action_steps"][0]["by_when"] == "2026-12-02"


async def test_marks_stay_when_the_words_beside_them_are_edited(play: Play) -> None:
    """What was chosen by buttons is no part of the message that is edited."""
    await play.script("""
        Mira: /session
        Mira: [7]
        Mira: [tired]
        Mira: a bit nervous
        Mira: ✎ a bit nervous => a bit nervous today
        coach: Corrected.
    """)
    fields = answers(play, play.people["Mira"])[1].fields
    assert fields["emotional_state"] == ["tired", "a bit nervous today"]


async def test_an_edit_cannot_reopen_a_complete_session(play: Play) -> None:
    """Where the new words would lead elsewhere, a session that is over stays as it is."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="option")
    await mira.says("one")
    await mira.says("nothing")
    await mira.says("nothing")
    await mira.presses("Ask somebody who has done it")
    await mira.presses("Practise where nobody sees it")
    await walk(play, mira)
    before = answers(play, mira)
    await mira.edits("nothing", "read at home")
    assert "ratings and choices stay as they are" in mira.screen[-1].text
    assert {stage: kept.fields for stage, kept in answers(play, mira).items()} == {
        s: k.fields for s, k in before.items()
    }


async def test_looking_at_the_time_zone_takes_no_answer(play: Play) -> None:
    """In a session words that are no place answer the question; /cancel leaves the zone, and not the session."""
    await play.script("""
        Mira: /session
        Mira: [7]
        Mira: /timezone
        Mira: fine
        coach: How ready are you
        Mira: /timezone
        Mira: /cancel
        coach: Your time stays as it was.
        Mira: 8
        coach: Shall we begin?
    """)


async def test_a_zone_that_is_a_folder(play: Play) -> None:
    """A forged name of a region is no zone."""
    mira = play.coachee()
    await mira.says("/session")
    outcome = await mira.press_data("z:America")
    assert outcome.error is None
    assert play.screens.toasts[-1].startswith("That button does not work any more.")


async def test_coming_back_after_blocking(play: Play) -> None:
    """Words of somebody who was away are kept, and the question they may never have seen is put again."""
    mira = play.coachee()
    await mira.says("/session")
    await walk(play, mira, until="strengths")
    play.screens.blocked.add(mira.chat_id)
    await mira.says("my cousin")
    play.screens.blocked.clear()
    await play.script("""
        Mira: sorry, i had blocked you
        coach: We are at step 2 of 5
        coach: What stands in the way?
    """)
    assert step(play, mira) == "obstacles"
    assert "sorry, i had blocked you" in [turn.text for turn in answers(play, mira)[2].turns if turn.kind == "aside"]
    assert play.rows(select(t.outbox).where(t.outbox.c.status == "failed")) == []


async def test_very_long_steps_stay_readable(play: Play) -> None:
    """Titles are short wherever items are listed; the whole words stay in the description."""
    mira = play.coachee()
    await mira.says("/session")
    await finish(play, mira, step_what="read " * 800)
    assert all(len(s.text) <= 600 for s in mira.screen if (s.key or "").startswith("d"))
    await mira.says("/plan")
    assert len(mira.screen[-1].text) < 300
    [row] = play.rows(select(t.action_plans))
    assert (len(row.title) <= 120, len(row.description)) == (True, len(("read " * 800).strip()))
