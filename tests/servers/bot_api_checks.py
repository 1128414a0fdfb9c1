"""What the real server refuses of a text, its entities and its keyboards, in its words."""

from typing import Any, NamedTuple

from .bot_api_chats import Json
from .bot_api_params import ApiError

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
MOST_BUTTONS = 100
ENTITY_TYPES = frozenset(
    [
        "mention",
        "hashtag",
        "cashtag",
        "bot_command",
        "url",
        "email",
        "phone_number",
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "blockquote",
        "expandable_blockquote",
        "code",
        "pre",
        "text_link",
        "text_mention",
        "custom_emoji",
        "date_time",
    ]
)
ENTITY_NEEDS = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}
BUTTON_ACTIONS = (
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)


class Markup(NamedTuple):
    """A reply_markup, sorted: an inline keyboard, or another kind with the reply keyboard it leaves behind."""

    inline: Json | None = None
    other: bool = False
    keyboard: list[list[str]] | None = None
    removes: bool = False


NO_MARKUP = Markup()


def utf16(text: str) -> int:
    """Length as Telegram counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _bad(description: str) -> ApiError:
    return ApiError(400, f"Bad Request: {description}")


def check_text(
    text: Any, entities: Any, parse_mode: Any = None, longest: int = LONGEST_TEXT
) -> tuple[str, list[Json] | None]:
    """The text as it will be shown (white space around it goes, as in the real server) and its entities."""
    if parse_mode:
        raise _bad(f'parse_mode "{parse_mode}" is not parsed by this test server: send entities')
    if text is None or text == "":
        raise _bad("message text is empty")
    if not isinstance(text, str):
        raise _bad('field "text" must be of type String')
    shown = text.strip()
    if not shown:
        raise _bad("text must be non-empty")
    if len(shown) * 2 > longest and utf16(shown) > longest:
        raise _bad("message is too long" if longest == LONGEST_TEXT else "message caption is too long")
    if not entities:
        return shown, None
    return shown, _check_entities(text, shown, entities)


def _check_entities(text: str, shown: str, entities: Any) -> list[Json]:
    if not isinstance(entities, list) or not all(isinstance(e, dict) for e in entities):
        raise _bad("can't parse entities: an Array of MessageEntity expected")
    for entity in entities:
        _check_entity(text, entity)
    cut = utf16(text[: len(text) - len(text.lstrip())])
    return _shift(entities, cut, utf16(shown))


def _check_entity(text: str, entity: Json) -> None:
    kind = entity.get("type")
    if kind not in ENTITY_TYPES:
        raise _bad(f'can\'t parse entities: unsupported type "{kind}" specified')
    needed = ENTITY_NEEDS.get(kind)
    if needed and not entity.get(needed):
        raise _bad(f"can't parse entities: can't find field \"{needed}\" of a {kind}")
    offset, length = entity.get("offset"), entity.get("length")
    if not isinstance(offset, int) or not isinstance(length, int):
        raise _bad("can't parse entities: offset and length must be of type Number")
    where = f"can't parse entities: entity beginning at UTF-16 offset {offset}"
    if offset < 0 or length <= 0:
        raise _bad(f"{where} has an invalid offset or length")
    if offset + length > utf16(text):
        raise _bad(f"{where} ends after the end of the text at UTF-16 offset {offset + length}")
    if not (_between_symbols(text, offset) and _between_symbols(text, offset + length)):
        raise _bad(f"{where} begins or ends in a middle of a UTF-16 symbol")


def _between_symbols(text: str, offset: int) -> bool:
    """Not inside a surrogate pair."""
    if text.isascii():
        return True
    units = text.encode("utf-16-le")
    unit = int.from_bytes(units[2 * offset : 2 * offset + 2], "little")
    return not 0xDC00 <= unit <= 0xDFFF


def _shift(entities: list[Json], cut: int, length: int) -> list[Json]:
    """Entities on the text after its surrounding white space went; one that covered only that goes too."""
    shifted = []
    for entity in entities:
        start = max(entity["offset"] - cut, 0)
        end = min(entity["offset"] + entity["length"] - cut, length)
        if end > start:
            shifted.append({**entity, "offset": start, "length": end - start})
    return shifted


def check_markup(markup: Any) -> Markup:
    if not markup:
        return NO_MARKUP
    if not isinstance(markup, dict):
        raise _bad("object expected as reply markup")
    if "inline_keyboard" in markup:
        return _check_inline(markup)
    if "keyboard" in markup:
        return Markup(other=True, keyboard=_check_keyboard(markup["keyboard"]))
    if markup.get("remove_keyboard") is True:
        return Markup(other=True, removes=True)
    if markup.get("force_reply") is True:
        return Markup(other=True)
    raise _bad("can't parse reply keyboard markup JSON object")


def _rows(rows: Any, what: str) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise _bad(f"can't parse {what}: an Array of Arrays expected")
    return [row for row in rows if row]


def _check_inline(markup: Json) -> Markup:
    rows = _rows(markup["inline_keyboard"], "inline keyboard")
    count = 0
    for row in rows:
        for button in row:
            count += 1
            _check_button(button)
    if count > MOST_BUTTONS:
        raise _bad("reply markup is too long")
    return Markup(inline={"inline_keyboard": rows}) if rows else NO_MARKUP


def _check_button(button: Any) -> None:
    if not isinstance(button, dict):
        raise _bad("can't parse inline keyboard button: Object expected")
    text = button.get("text")
    if not isinstance(text, str) or not text.strip():
        raise _bad("can't parse inline keyboard button: text must be non-empty")
    actions = [action for action in BUTTON_ACTIONS if action in button]
    if not actions:
        raise _bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise _bad("can't parse inline keyboard button: exactly one of the optional fields must be used")
    if actions[0] == "callback_data":
        data = button["callback_data"]
        if not isinstance(data, str) or not 1 <= len(data.encode()) <= 64:
            raise _bad("BUTTON_DATA_INVALID")
    if actions[0] == "url" and "." not in str(button["url"]) and "://" not in str(button["url"]):
        raise _bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def _check_keyboard(keyboard: Any) -> list[list[str]]:
    rows = _rows(keyboard, "keyboard")
    labels = [[button if isinstance(button, str) else button.get("text") for button in row] for row in rows]
    if not labels:
        raise _bad("keyboard must be non-empty")
    if not all(isinstance(label, str) and label.strip() for row in labels for label in row):
        raise _bad("can't parse keyboard button: text must be non-empty")
    if sum(map(len, labels)) > 300:
        raise _bad("reply markup is too long")
    return labels
