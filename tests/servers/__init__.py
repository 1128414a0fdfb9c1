"""Two local servers that behave as the real ones do, so that tests use the settings a deployment uses.

A test (or a person) starts one, points TELEGRAM_API_URL or OPENAI_BASE_URL at it and needs no other seam.

Reading order:

- ``base``             a small HTTP server on 127.0.0.1, and waiting for something to become true
- ``bot_api``          ``BotApi``: the Bot API server: tokens, faults, dispatch, long polling
- ``bot_api_people``   what a person does in a chat: say, press, edit, send, block (``BotApi`` inherits it)
- ``bot_api_chats``    the chat as the person sees it
- ``bot_api_methods``  what each Bot API method does
- ``bot_api_commands`` commands and menu buttons
- ``bot_api_find``     the chat a request is about
- ``bot_api_checks``   which texts, entities and keyboards the real server refuses, and in which words
- ``bot_api_params``   parameters from JSON, forms and multipart
- ``bot_api_spec``     the machine-readable description of the Bot API, where it is present
- ``bot_api_updates``  the queue of updates: confirmed, delivered, dropped
- ``bot_api_webhook``  delivery to a webhook: per chat in order, again until it is taken
- ``bot_api_faults``   programmed faults and send limits
- ``bot_api_control``  the same controls over HTTP, for a test in another process
- ``model``            ``ModelServer``: an OpenAI-compatible server with modes (down, slow, wrong, refusing, streams)
- ``model_chat``       one chat completion without the HTTP: its modes; refused, answered, streamed
- ``model_schema``     the rules of a strict JSON schema, and an instance of it
- ``model_stream``     a streamed answer sent, whole or gone wrong in the middle
- ``model_audio``      transcriptions
- ``model_extras``     embeddings and reflections, as small as can be
- ``__main__``         ``python -m tests.servers bot-api|model``: one server in the foreground
"""

from .bot_api import BotApi
from .model import ModelServer

__all__ = ["BotApi", "ModelServer"]
