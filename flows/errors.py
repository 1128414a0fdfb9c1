"""What can be wrong. An error's docstring is its message."""

from __future__ import annotations


class WaymarkError(Exception):
    """Something that Waymark refuses."""

    def __str__(self) -> str:
        head = (type(self).__doc__ or "").strip().split("\n")[0]
        return f"{head} ({', '.join(map(str, self.args))})" if self.args else head


class NaiveTimeError(WaymarkError, ValueError):
    """A moment has no time zone."""


class IllegalEventError(WaymarkError):
    """This event cannot happen in this state; nothing was changed."""


class NobodyHereError(IllegalEventError):
    """Nobody is known in this chat, or not any more; nothing was changed."""


class UnfitAnswerError(WaymarkError):
    """These words do not answer this question; the argument names the text that says what would."""


class UnusableSummaryError(WaymarkError):
    """What the model wrote cannot be used."""


class IllegalConsentError(IllegalEventError):
    """A consent is over, and nothing becomes of it any more. The argument names its status and the move."""


class IllegalMoveError(IllegalEventError):
    """A session cannot be moved so from where it stands. The argument names its status and the move."""
