"""The tests mirror the product: flows, storage, bot; `playbook` is the language that conversations are told in."""

import pytest

pytest.register_assert_rewrite("tests.playbook", "tests.coachee")
