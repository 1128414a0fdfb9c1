"""What each step of the way in says, and the buttons that it offers."""

from __future__ import annotations

from datetime import datetime

from flows.effects import Choice, Line, Text, text_line
from flows.menu import COMMON_ZONES, LANGUAGES, place
from flows.state import Chat, Joining
from flows.times import local, zones

OLDEST = 1900
"""Nobody was born before."""
YOUNGEST = 5
"""Who is younger than so many years does not write this."""
CHOICES: dict[str, tuple[str, ...]] = {
    "invite": ("yes", "no"),
    "language": LANGUAGES,
    "zone": ("here", "back"),
    "zone_check": ("yes", "another"),
    "notice": ("yes", "exactly", "ask", "model_on", "model_off", "back"),
    "birth_year": ("ask", "rather_not", "stop", "back"),
    "parent": ("link", "look"),
}
"""What the buttons of each step may say. Those of the place name time zones, too."""


def offered(step: str, choice: str) -> bool:
    """Whether a step has such a button."""
    return choice in CHOICES.get(step, ()) or (step == "zone" and choice in zones())


def key_of(card: int) -> str:
    """The key of a card's message."""
    return f"j{card}"


def language_line(code: str) -> Line:
    """Which language was chosen."""
    return text_line("settings.language", language=Text(key=f"language.{code}"))


def lines_of(chat: Chat, joining: Joining, view: str, now: datetime) -> tuple[Line, ...]:
    """What the card says. `view` is another side of it."""
    match joining.step:
        case "language":
            return (text_line("language.ask"),)
        case "zone":
            return (text_line("joining.zone.ask"),)
        case "zone_check":
            name = joining.zone or chat.someone.timezone
            return (text_line("joining.zone_check", place=place(name), at=local(now, name)),)
        case "notice":
            return _exactly(chat) if view == "exactly" else _notice(chat)
        case "birth_year":
            return (text_line("joining.year.why" if view == "rather_not" else "joining.year.ask"),)
        case "parent":
            return (text_line("joining.withdrawn" if _withdrawn(chat) else "joining.parent", age=chat.consent_age),)
    return ()


def _notice(chat: Chat) -> tuple[Line, ...]:
    model = (text_line("joining.notice.model"),) if chat.helped else ()
    return (
        Line(text=Text(key="joining.notice.title"), style="bold"),
        text_line("joining.notice.machine"),
        text_line("joining.notice.kept"),
        *model,
        text_line("joining.notice.ask"),
    )


def _exactly(chat: Chat) -> tuple[Line, ...]:
    lines = [
        text_line("joining.exactly.kept"),
        text_line("joining.exactly.who"),
        text_line("joining.exactly.operators"),
    ]
    if chat.model:
        helped = chat.someone.model_help
        lines.append(text_line("joining.exactly.model.on" if helped else "joining.exactly.model.off"))
    return (*lines, text_line("joining.exactly.rights"))


def _withdrawn(chat: Chat) -> bool:
    """Whether a parent had agreed, and does not any more."""
    around = chat.circle.guardianships if chat.circle is not None else ()
    return any(g.child.user_id == chat.someone.user_id and g.withdrawn_at is not None for g in around)


def choices_of(chat: Chat, joining: Joining, view: str, places: tuple[str, ...] = ()) -> tuple[Choice, ...]:
    """The buttons of the card. `places` are zones to choose from instead of the usual ones."""

    def button(choice: str, key: str) -> Choice:
        return Choice(data=f"j:{joining.card}:{joining.step}:{choice}", label=Text(key=key))

    match joining.step:
        case "language":
            mine = chat.someone.language
            codes = sorted(LANGUAGES, key=lambda code: code != mine)
            return tuple(button(code, f"language.{code}").evolve(marked=code == mine) for code in codes)
        case "zone":
            data = f"j:{joining.card}:zone"
            cities = (Choice(data=f"{data}:{name}", label=place(name)) for name in places[:8] or COMMON_ZONES)
            return (*cities, button("here", "joining.button.here"), button("back", "joining.button.back"))
        case "zone_check":
            return (button("yes", "joining.button.right"), button("another", "joining.button.another_place"))
        case "notice" if view == "exactly":
            on, off = ("model_on", "joining.button.model_on"), ("model_off", "joining.button.model_off")
            model = (button(*(off if chat.someone.model_help else on)),) if chat.model else ()
            return (button("yes", "joining.button.understood"), *model, button("ask", "joining.button.back"))
        case "notice":
            return (
                button("yes", "joining.button.understood"),
                button("exactly", "joining.button.exactly"),
                button("back", "joining.button.back"),
            )
        case "birth_year" if view == "rather_not":
            return (button("ask", "joining.button.back"), button("stop", "joining.button.stop"))
        case "birth_year":
            return (button("rather_not", "joining.button.rather_not"), button("back", "joining.button.back"))
        case "parent":
            return (button("look", "joining.button.look"), button("link", "joining.button.link"))
    return ()
