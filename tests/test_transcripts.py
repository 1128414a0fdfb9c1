"""The transcripts in docs are what the product says today."""

from __future__ import annotations

import pytest

from flows.menu import LANGUAGES
from tests.transcripts import DOCS, page, played


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_transcript_is_current(language: str) -> None:
    """A whole session in each language, to the confirmed plan, as `make docs` would write it."""
    lines = await played(language)
    assert (DOCS / f"{language}.md").read_text(encoding="utf-8") == page(language, lines)
