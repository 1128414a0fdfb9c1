"""Migrations go up, down and up again with every row equal, and the database itself refuses what may not be."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Engine, Table, delete, event, insert, inspect, literal, select, text, update
from sqlalchemy.exc import IntegrityError

from storage import migrations
from storage import tables as t
from storage.engine import connect, is_sqlite
from storage.migrations.remake import recheck
from tests.conftest import MACHINE_1

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
LATER = datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)
BIG = 2**63 - 1
WORDS = "Ruf “Oma” an 👵🏽 \n\t שלום עולם · 'x'; DROP TABLE users; -- %s {name} \\ \u200f"
JSON = {"words": WORDS, "nothing": None, "list": [1, 2.5, True, {"deep": []}], "empty": "", "number": 2**53}


def some_id(number: int) -> UUID:
    return UUID(int=(2**127) + number)


Values = dict[str, Any]

# ---- documents, as revision 0003 keeps them and as 0004 does

WRITTEN: Values = {
    "theme": WORDS,
    "executive_summary": "You started at three. " + WORDS,
    "key_insights": [WORDS, "", "Asking is not begging."],
    "goal_statement": WORDS,
    "action_plan": [
        {"step": 1, "title": WORDS, "description": WORDS, "due": "2028-02-29"},
        {"step": 2, "title": "", "description": "", "due": None},
    ],
    "success_metrics": ["Baseline; target; how", WORDS],
    "support": ["Oma", "Oma"],
    "writer": "model",
    "stood_in": False,
}
WRITTEN_NOW: Values = {
    "theme": WORDS,
    "executive_summary": [{"text": "You started at three. " + WORDS}],
    "key_insights": [{"text": WORDS}, {"text": ""}, {"text": "Asking is not begging."}],
    "goal_statement": {"text": WORDS},
    "action_plan": [
        {"number": 1, "title": WORDS, "description": WORDS, "due": "2028-02-29"},
        {"number": 2, "title": "", "description": "", "due": None},
    ],
    "success_metrics": [{"what": "Baseline; target; how"}, {"what": WORDS}],
    "support": [{"text": "Oma"}, {"text": "Oma"}],
    "writer": "model",
    "reason": None,
}
EMPTY: Values = {
    "theme": "",
    "executive_summary": "",
    "key_insights": [],
    "goal_statement": "",
    "action_plan": [],
    "success_metrics": [],
    "support": [],
    "writer": "plain",
    "stood_in": False,
}
EMPTY_NOW: Values = {
    "theme": "",
    "executive_summary": [{"text": ""}],
    "key_insights": [],
    "goal_statement": {"text": ""},
    "action_plan": [],
    "success_metrics": [],
    "support": [],
    "writer": "plain",
    "reason": None,
}
STOOD_IN = EMPTY | {"stood_in": True, "success_metrics": [""]}
STOOD_IN_NOW = EMPTY_NOW | {"reason": "outage", "success_metrics": [{"what": ""}]}
DOCUMENTS = [(WRITTEN, WRITTEN_NOW), (EMPTY, EMPTY_NOW), (STOOD_IN, STOOD_IN_NOW)]
"""What becomes of a document at 0004, and again at 0003."""

SOURCES = [{"turn": 3, "quote": WORDS}]
WITH_SOURCES: Values = {
    "theme": WORDS,
    "executive_summary": [{"text": "One.", "sources": SOURCES}, {"text": "Two.", "sources": [], "suggested": True}],
    "key_insights": [{"text": WORDS, "sources": SOURCES, "suggested": False}],
    "goal_statement": {"text": WORDS, "sources": SOURCES, "suggested": False},
    "action_plan": [
        {
            "number": 1,
            "title": "Call",
            "description": WORDS,
            "due": "2026-11-27",
            "priority": 5,
            "sources": SOURCES,
            "suggested": False,
            "milestones": [{"title": WORDS, "due": None, "sources": SOURCES}],
        },
        {"number": 2, "title": "Rest", "description": WORDS, "due": None, "priority": 1, "suggested": True},
    ],
    "success_metrics": [
        {"what": "Calls", "baseline": "0", "target": "2 a week", "how": "in the diary", "sources": SOURCES},
        {"what": "Calm", "baseline": "", "target": "8", "how": "", "sources": []},
    ],
    "support": [{"text": "Oma", "sources": SOURCES, "suggested": False}],
    "writer": "plain",
    "reason": "budget",
    "prompt": "summary-2",
    "model": "m",
    "turns": [1, 2, 3],
}
WITHOUT_SOURCES: Values = {
    "theme": WORDS,
    "executive_summary": "One. Two.",
    "key_insights": [WORDS],
    "goal_statement": WORDS,
    "action_plan": [{"step": 1, "title": "Call", "description": WORDS, "due": "2026-11-27"}],
    "success_metrics": ["Calls; 0; 2 a week; in the diary", "Calm; 8"],
    "support": ["Oma"],
    "writer": "plain",
    "stood_in": True,
}
WITHOUT_SOURCES_NOW: Values = {
    "theme": WORDS,
    "executive_summary": [{"text": "One. Two."}],
    "key_insights": [{"text": WORDS}],
    "goal_statement": {"text": WORDS},
    "action_plan": [{"number": 1, "title": "Call", "description": WORDS, "due": "2026-11-27"}],
    "success_metrics": [{"what": "Calls; 0; 2 a week; in the diary"}, {"what": "Calm; 8"}],
    "support": [{"text": "Oma"}],
    "writer": "plain",
    "reason": "outage",
}
"""A document with all there can be in one, what is left of it at 0003, and what that is at 0004 again."""

UNKNOWN: list[Any] = [
    JSON,
    {},
    [],
    [WRITTEN],
    "a text",
    0,
    False,
    {**WRITTEN, "more": 1},
    {name: value for name, value in WRITTEN.items() if name != "support"},
    {**WRITTEN, "writer": "somebody"},
    {**WRITTEN, "theme": None},
    {**WRITTEN, "success_metrics": WORDS},
    {**WRITTEN, "key_insights": [{"text": WORDS}]},
    {**WRITTEN, "action_plan": [{"title": WORDS, "description": WORDS, "due": None}]},
    {**WRITTEN, "action_plan": [{**WRITTEN["action_plan"][0], "more": 1}]},
    {**WRITTEN, "action_plan": [1]},
    {**WRITTEN_NOW, "goal_statement": WORDS},
    {**WRITTEN_NOW, "action_plan": WRITTEN["action_plan"]},
    {**WRITTEN_NOW, "success_metrics": [{}]},
]
"""Documents that no revision has written."""


def first_version(session_id: UUID) -> UUID:
    """The id of the version that 0004 makes of a session's document."""
    return uuid5(NAMESPACE_OID, f"summary {session_id}")


ROWS: dict[Table, list[Values]] = {
    t.users: [
        {
            "id": some_id(1),
            "telegram_id": 2**52 - 1,
            "name": WORDS,
            "language": "zh-Hant-TW-x-a-long-language-tag-35",
            "timezone": "America/Argentina/ComodRivadavia",
            "model_help": False,
            "unreachable_since": LATER,
            "standing": "waiting",
            "birth_year": 2013,
            "sharing": {"coach": ["summary", "plan"], "parent": []},
            "quiet_from": "22:00",
            "quiet_until": "07:30",
            "daily_cap": 2**31 - 1,
            "muted": ["action_due", WORDS],
            "deletion_due_at": LATER,
            "created_at": NOW,
        },
        *(
            {
                "id": some_id(number),
                "telegram_id": -number,
                "name": "",
                "language": "en",
                "timezone": "UTC",
                "model_help": True,
                "standing": standing,
                "sharing": {},
                "muted": [],
                "created_at": NOW,
            }
            for number, standing in ((2, "joining"), (3, "active"), (4, "inactive"))
        ),
    ],
    t.user_roles: [
        {"user_id": some_id(1), "role": "coach", "granted_by": some_id(99), "created_at": LATER},
        *(
            {"user_id": some_id(2), "role": role, "created_at": NOW}
            for role in ("coachee", "coach", "parent", "operator")
        ),
    ],
    t.coach_coachee_mappings: [
        {
            "id": some_id(1),
            "coach_id": some_id(1),
            "coachee_id": some_id(2),
            "kind": "primary",
            "active": False,
            "ended_at": LATER,
            "updated_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "coach_id": some_id(3),
            "coachee_id": some_id(2),
            "kind": "primary",
            "active": True,
            "updated_at": NOW,
            "created_at": NOW,
        },
        {
            "id": some_id(3),
            "coach_id": some_id(2),
            "coachee_id": some_id(3),
            "kind": "secondary",
            "active": True,
            "updated_at": NOW,
            "created_at": NOW,
        },
    ],
    t.guardianships: [
        {
            "id": some_id(1),
            "parent_id": some_id(1),
            "child_id": some_id(2),
            "active": False,
            "agreed_at": NOW,
            "withdrawn_at": LATER,
            "updated_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "parent_id": some_id(3),
            "child_id": some_id(2),
            "active": True,
            "updated_at": NOW,
            "created_at": NOW,
        },
    ],
    t.invites: [
        {
            "id": some_id(1),
            "token_hash": "f" * 64,
            "role": "parent",
            "inviter_id": some_id(1),
            "coachee_id": some_id(2),
            "coach_id": some_id(3),
            "kind": "secondary",
            "expires_at": LATER,
            "used_at": LATER,
            "used_by": some_id(4),
            "revoked_at": LATER,
            "created_at": NOW,
        },
        *(
            {"id": some_id(number), "role": role, "kind": "primary", "expires_at": NOW, "created_at": NOW}
            for number, role in ((2, "operator"), (3, "coach"), (4, "coachee"))
        ),
    ],
    t.coach_notes: [
        {
            "id": some_id(number),
            "coach_id": some_id(3),
            "coachee_id": some_id(2),
            "text": words,
            "created_at": NOW,
        }
        for number, words in ((1, WORDS), (2, ""))
    ],
    t.audit_log: [
        {
            "id": some_id(1),
            "at": LATER,
            "actor_id": some_id(98),
            "via": "chat",
            "action": "x" * 32,
            "subject_id": some_id(99),
            "outcome": "refused",
            "reason": "y" * 64,
        },
        *(
            {"id": some_id(number), "at": NOW, "via": via, "action": "", "outcome": "done", "reason": ""}
            for number, via in ((2, "command"), (3, "clock"))
        ),
    ],
    t.tombstones: [
        {"user_id": some_id(99), "erased_at": LATER},
        {"user_id": some_id(98), "erased_at": NOW},
    ],
    t.conversations: [
        {"chat_id": -(2**63), "user_id": some_id(1), "state": JSON, "version": 2**31 - 1, "updated_at": NOW},
        {"chat_id": BIG, "user_id": some_id(2), "state": {}, "version": 1, "updated_at": LATER},
    ],
    t.updates: [
        {"update_id": 1, "chat_id": BIG, "claimed_at": NOW, "state": "failed", "event": JSON, "reason": WORDS},
        {"update_id": BIG, "chat_id": 1, "claimed_at": LATER, "state": "claimed"},
    ],
    t.outbox: [
        {
            "id": some_id(1),
            "chat_id": BIG,
            "kind": "say",
            "key": "q1",
            "payload": JSON,
            "status": "failed",
            "attempts": 3,
            "due_at": NOW,
            "owner": "local",
            "lease_until": LATER,
            "message_id": BIG,
            "reason": WORDS,
            "done_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "chat_id": 1,
            "kind": "edit",
            "payload": {},
            "status": "pending",
            "attempts": 0,
            "due_at": NOW,
            "created_at": NOW,
        },
        *(
            {
                "id": some_id(number),
                "chat_id": BIG,
                "kind": kind,
                "payload": JSON,
                "status": "done",
                "attempts": 0,
                "due_at": NOW,
                "done_at": LATER,
                "created_at": NOW,
            }
            for number, kind in enumerate(
                (
                    *("request_summary", "reflect", "transcribe", "file", "link", "commands", "export"),
                    *("invitation", "feed", "calendar"),
                ),
                3,
            )
        ),
    ],
    t.timers: [
        {
            "id": some_id(1),
            "chat_id": BIG,
            "key": "action_due:" + str(some_id(1)),
            "kind": "action_due",
            "subject": some_id(9),
            "due_at": LATER,
            "wall": "2026-11-27T09:00",
            "attempt": 2,
            "state": "failed",
            "reason": WORDS,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "chat_id": BIG,
            "key": "summary",
            "kind": "summary",
            "subject": some_id(9),
            "due_at": NOW,
            "attempt": 0,
            "state": "pending",
            "created_at": NOW,
        },
    ],
    t.coaching_sessions: [
        {
            "id": some_id(1),
            "user_id": some_id(1),
            "session_type": "coach_led",
            "current_stage": 5,
            "is_complete": True,
            "ended": "completed",
            "summary": JSON,
            "topic": WORDS,
            "notes": WORDS,
            "record_status": "submitted",
            "updated_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "user_id": some_id(2),
            "session_type": "self_coaching",
            "current_stage": 1,
            "is_complete": False,
            "record_status": "draft",
            "updated_at": NOW,
            "created_at": NOW,
        },
        *(
            {
                "id": some_id(number),
                "user_id": some_id(2),
                "session_type": "self_coaching",
                "current_stage": 5,
                "is_complete": True,
                "ended": "completed",
                "summary": document,
                "record_status": "submitted",
                "updated_at": LATER + timedelta(microseconds=number),
                "created_at": NOW,
            }
            for number, document in ((3, WITH_SOURCES), (4, WRITTEN_NOW))
        ),
    ],
    t.stage_responses: [
        {
            "id": some_id(number),
            "session_id": some_id(1),
            "stage_number": number,
            "responses": JSON,
            "updated_at": LATER,
            "created_at": NOW,
        }
        for number in (1, 5)
    ],
    t.action_plans: [
        {
            "id": some_id(1),
            "user_id": some_id(1),
            "session_id": some_id(1),
            "title": WORDS,
            "description": WORDS,
            "goal_statement": WORDS,
            "smart_criteria": JSON,
            "priority": 5,
            "status": "completed",
            "timeline_start": date(2026, 2, 28),
            "timeline_end": date(2028, 2, 29),
            "origin": "coachee",
            "evidence": JSON,
            "completed_at": LATER,
            "dropped_at": LATER,
            "updated_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "user_id": some_id(2),
            "session_id": some_id(2),
            "title": "",
            "description": "",
            "goal_statement": "",
            "smart_criteria": {},
            "priority": 1,
            "status": "blocked",
            "timeline_start": date(2026, 11, 23),
            "origin": "coachee",
            "evidence": {},
            "updated_at": NOW,
            "created_at": NOW,
        },
        {
            "id": some_id(3),
            "user_id": some_id(2),
            "session_id": some_id(3),
            "title": WORDS,
            "description": WORDS,
            "goal_statement": WORDS,
            "smart_criteria": {},
            "priority": 3,
            "status": "in_progress",
            "timeline_start": date(2026, 11, 23),
            "origin": "suggestion",
            "evidence": JSON,
            "updated_at": LATER,
            "created_at": NOW,
        },
    ],
    t.milestones: [
        {
            "id": some_id(1),
            "action_plan_id": some_id(1),
            "number": 2**31 - 1,
            "title": WORDS,
            "description": WORDS,
            "due_date": date(2028, 2, 29),
            "completed": True,
            "completed_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "action_plan_id": some_id(1),
            "number": 1,
            "title": "",
            "description": "",
            "completed": False,
            "created_at": NOW,
        },
    ],
    t.summaries: [
        {
            "id": some_id(2),
            "session_id": some_id(3),
            "version": 2,
            "document": WITH_SOURCES,
            "writer": "model",
            "prompt": "summary-2".ljust(64, "x"),
            "model": WORDS,
            "created_at": LATER,
        },
        {
            "id": some_id(1),
            "session_id": some_id(3),
            "version": 1,
            "document": {},
            "writer": "plain",
            "created_at": NOW,
        },
        {
            "id": first_version(some_id(4)),
            "session_id": some_id(4),
            "version": 1,
            "document": WRITTEN_NOW,
            "writer": "model",
            "created_at": LATER + timedelta(microseconds=4),
        },
    ],
    t.model_usage: [
        {
            "day": date(2028, 2, 29),
            "user_id": some_id(1),
            "kind": "transcribe",
            "model": "🦜" * 128,
            "calls": 2**31 - 1,
            "estimated_calls": 2**31 - 1,
            "prompt_tokens": BIG,
            "cached_tokens": BIG,
            "completion_tokens": BIG,
        },
        *(
            {
                "day": date(2026, 11, 23),
                "user_id": some_id(2),
                "kind": kind,
                "model": "",
                "calls": 1,
                "estimated_calls": 0,
                "prompt_tokens": 0,
                "cached_tokens": 0,
                "completion_tokens": 0,
            }
            for kind in ("summary", "reflect")
        ),
    ],
    t.resources: [
        MACHINE_1,
        {
            "id": some_id(2),
            "number": 2**31 - 1,
            "kind": "room",
            "name": WORDS,
            "in_service": False,
            "created_at": LATER,
        },
    ],
    t.programmes: [
        {
            "id": some_id(1),
            "coachee_id": some_id(2),
            "coach_id": some_id(3),
            "timezone": "America/Argentina/ComodRivadavia",
            "minutes": 480,
            "created_by": some_id(98),
            "created_at": LATER,
        },
        {"id": some_id(2), "coachee_id": some_id(2), "timezone": "UTC", "minutes": 10, "created_at": NOW},
    ],
    t.scheduled_sessions: [
        *(
            {
                "id": some_id(number),
                "programme_id": some_id(1),
                "session_number": number,
                "coachee_id": some_id(2),
                "resource_id": MACHINE_1["id"],
                "resource_held": True,
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(microseconds=1),
                "status": status,
                "version": 1,
                "moves": 0,
                "cancellation_status": "none",
                "calendar_uid": "",
                "calendar_sequence": 0,
                "calendar_state": "none",
                "updated_at": NOW,
                "created_at": NOW,
            }
            for number, status, starts_at in (
                (4, "cancelled", NOW),
                (2, "rescheduled", NOW),
                (3, "scheduled", NOW + timedelta(hours=12)),  # it begins as the long one ends
            )
        ),
        {
            "id": some_id(1),
            "programme_id": some_id(1),
            "session_number": 2**31 - 1,
            "coachee_id": some_id(2),
            "coach_id": some_id(3),
            "resource_id": some_id(2),
            "resource_held": False,
            "starts_at": NOW,
            "ends_at": NOW + timedelta(hours=12),
            "status": "completed",
            "version": 2**31 - 1,
            "replaces_id": some_id(2),
            "moves": 2**31 - 1,
            "absent": "both",
            "resolved_at": LATER,
            "resolved_by": some_id(98),
            "cancellation_status": "rejected",
            "cancellation_requested_at": LATER,
            "cancellation_reason": WORDS,
            "cancellation_expires_at": LATER,
            "record_status": "submitted",
            "record_date": date(2028, 2, 29),
            "record_topic": WORDS,
            "coach_notes": WORDS,
            "conversation_id": some_id(1),
            "calendar_uid": "u" * 64,
            "calendar_sequence": 2**31 - 1,
            "calendar_state": "failed",
            "calendar_event_id": WORDS,
            "updated_at": LATER,
            "created_at": NOW,
        },
    ],
    t.availabilities: [
        {
            "coach_id": some_id(number),
            "weekly": weekly,
            "exceptions": exceptions,
            "minutes": number,
            "buffer": 0,
            "notice_hours": 2**31 - 1,
            "updated_at": LATER,
            "created_at": NOW,
        }
        for number, weekly, exceptions in ((3, [[0, "15:00", "19:00"]], {"2026-12-24": []}), (2, [], {}))
    ],
    t.slot_holds: [
        {
            "held_by": some_id(number),
            "coach_id": coach_id,
            "coachee_id": some_id(2),
            "resource_id": MACHINE_1["id"],
            "starts_at": NOW + timedelta(hours=number),
            "ends_at": NOW + timedelta(hours=number + 1),
            "expires_at": LATER,
            "created_at": NOW,
        }
        for number, coach_id in ((1, some_id(3)), (2, None))
    ],
    t.learning_events: [
        {
            "id": some_id(1),
            "coachee_id": some_id(2),
            "coach_id": some_id(3),
            "session_id": some_id(1),
            "event_type": "daily_recommendations",
            "event_date": LATER,
            "event_data": JSON,
            "content_for_embedding": WORDS,
            "embedding": [0.1, -1e-9, 1],
            "created_at": NOW,
        },
        *(
            {
                "id": some_id(number),
                "coachee_id": some_id(2),
                "event_type": kind,
                "event_date": NOW,
                "event_data": {},
                "content_for_embedding": "",
                "created_at": NOW,
            }
            for number, kind in enumerate(("session_rescheduled", "level_up"), 2)
        ),
    ],
    t.coach_questions: [
        {
            "id": some_id(1),
            "session_id": some_id(1),
            "coach_id": some_id(3),
            "coachee_id": some_id(2),
            "text": WORDS,
            "status": "answered",
            "answer": WORDS,
            "answered_at": LATER,
            "created_at": NOW,
        },
        *(
            {
                "id": some_id(number),
                "session_id": some_id(3),
                "coachee_id": some_id(2),
                "text": "",
                "status": status,
                "created_at": NOW,
            }
            for number, status in enumerate(("waiting", "put", "skipped", "dropped"), 2)
        ),
    ],
    t.consents: [
        {
            "id": some_id(1),
            "session_id": some_id(1),
            "coachee_id": some_id(2),
            "asked_by": some_id(3),
            "asked_as": "coach",
            "reason": WORDS,
            "asked_at": NOW,
            "expires_at": LATER,
            "decider": "parent",
            "on_silence": "escalate",
            "status": "kept",
            "version": 2**31 - 1,
            "escalated": True,
            "decided_at": LATER,
            "decided_by": some_id(1),
            "decided_as": "parent",
            "words": WORDS,
            "called_at": NOW,
            "call_by": some_id(1),
            "call_until": LATER,
            "call_left": 2**31 - 1,
            "call_outcome": "another",
            "reported_at": LATER,
            "created_at": NOW,
        },
        {
            "id": some_id(2),
            "session_id": some_id(3),
            "coachee_id": some_id(2),
            "asked_as": "operator",
            "reason": "",
            "asked_at": NOW,
            "expires_at": NOW,
            "decider": "coachee",
            "on_silence": "keep",
            "status": "open",
            "version": 1,
            "escalated": False,
            "call_left": 0,
            "created_at": NOW,
        },
        {
            "id": some_id(4),
            "session_id": some_id(2),
            "coachee_id": some_id(2),
            "asked_as": "parent",
            "reason": "",
            "asked_at": NOW,
            "expires_at": NOW,
            "decider": "coachee",
            "on_silence": "keep",
            "status": "open",
            "version": 1,
            "escalated": False,
            "call_left": 0,
            "phone": "+" + "4" * 31,
            "created_at": NOW,
        },
        {
            "id": some_id(3),
            "session_id": some_id(4),
            "coachee_id": some_id(2),
            "asked_as": "coachee",
            "reason": "ill",
            "asked_at": NOW,
            "expires_at": NOW,
            "decider": "operator",
            "on_silence": "approve",
            "status": "approved",
            "version": 2,
            "escalated": False,
            "decided_at": NOW,
            "decided_as": "no_answer",
            "call_left": 0,
            "created_at": LATER,
        },
    ],
    t.calendar_feeds: [
        {"user_id": some_id(1), "token_hash": "e" * 64, "created_at": LATER},
        {"user_id": some_id(2), "created_at": NOW},
    ],
}
"""Rows of every table: one with everything in it, one with as little as may be, and one of each kind of order."""

NEW_COLUMNS = {("users", "model_help"): True, ("action_plans", "dropped_at"): None}
"""What revision 0003 adds, and what it is for a row that was there before."""
NEW_KINDS = ("reflect", "transcribe")
"""Rows of the outbox that there are from revision 0003 on: requests, of seconds' use."""
NEW_TABLES = ("milestones", "model_usage", "summaries")
"""What revision 0004 adds."""
OF_PEOPLE = (
    t.audit_log,
    t.coach_coachee_mappings,
    t.coach_notes,
    t.guardianships,
    t.invites,
    t.tombstones,
    t.user_roles,
)
"""The tables that revision 0005 adds."""
OF_A_PERSON: Values = {
    "standing": "joining",
    "birth_year": None,
    "sharing": {},
    "quiet_from": None,
    "quiet_until": None,
    "daily_cap": None,
    "muted": [],
    "deletion_due_at": None,
}
"""The columns of people that it adds, and what they are for a person who was there before."""
KINDS_OF_PEOPLE = ("link", "commands", "export")
"""Rows of the outbox that there are from it on."""


BOOKED = (t.programmes, t.scheduled_sessions, t.availabilities)
"""The tables that revision 0006 adds."""
OF_A_RESOURCE = ("resource_id", "resource_held")
"""What revision 0007 adds to a session, beside the resources themselves."""
WHAT_HAPPENED = (t.slot_holds, t.learning_events, t.coach_questions, t.calendar_feeds)
"""The tables that revision 0008 adds."""
CONSENTS = (t.consents,)
"""The table that revision 0009 adds."""
KINDS_OF_SESSIONS = ("invitation", "feed", "calendar")
"""Rows of the outbox that there are from it on."""
NOTHING_BOOKED: dict[str, list[Values]] = {
    **{table.name: [] for table in (*BOOKED, *WHAT_HAPPENED, *CONSENTS)},
    t.resources.name: [MACHINE_1],
}
"""What the newest revision has of a database of 0005."""


def rows_at(revision: str | None) -> dict[str, list[Values]]:
    """What a revision can hold of `ROWS`."""
    rows = {table.name: of_table for table, of_table in ROWS.items()}
    assert revision is not None
    if revision < "0009":
        rows = as_before_0009(rows)
    if revision < "0008":
        rows = as_before_0008(rows)
    if revision < "0007":
        rows = as_before_0007(rows)
    if revision < "0006":
        rows = as_before_0006(rows)
    if revision < "0005":
        rows = as_before_0005(rows)
    if revision < "0004":
        rows = as_before_0004(rows)
    if revision < "0003":
        rows = as_before_0003(rows)
    return rows


def populate(engine: Engine) -> None:
    """Fill the database with `ROWS`, or with what its revision can hold of them."""
    rows = rows_at(migrations.current(engine))
    with engine.begin() as connection:
        if t.resources.name in rows:
            connection.execute(delete(t.resources))  # Machine 1 is among them
        for table in t.metadata.sorted_tables:
            for values in rows.get(table.name, []):
                connection.execute(insert(table), values)


def tables_of(engine: Engine) -> list[Table]:
    """The tables that the database's revision has."""
    there = inspect(engine).get_table_names()
    return [table for table in t.metadata.sorted_tables if table.name in there]


def columns(engine: Engine, table: Table) -> set[str]:
    """The columns that a table has in the database."""
    return {column["name"] for column in inspect(engine).get_columns(table.name)}


def everything(engine: Engine) -> dict[str, list[Values]]:
    """All rows of all tables, with the columns that there are."""
    found = {}
    for table in tables_of(engine):
        names = columns(engine, table)
        query = select(*(c for c in table.c if c.name in names)).order_by(*table.primary_key)
        with engine.connect() as connection:
            found[table.name] = [dict(row._mapping) for row in connection.execute(query)]
    return found


def as_before_0003(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows as revision 0002 holds them: without the columns and the requests that it does not know."""
    return {
        table: [
            {name: value for name, value in row.items() if (table, name) not in NEW_COLUMNS}
            for row in of_table
            if row.get("kind") not in NEW_KINDS or table != "outbox"
        ]
        for table, of_table in rows.items()
    }


def as_after_0003(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows of revision 0002 as revision 0003 finds them."""
    new = {table: {name: value for (of, name), value in NEW_COLUMNS.items() if of == table} for table in rows}
    return {table: [row | new[table] for row in of_table] for table, of_table in rows.items()}


def as_before_0004(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows as revision 0003 holds them: without the new tables and files; an item is the coachee's."""
    rows = {table: of_table for table, of_table in rows.items() if table not in NEW_TABLES}
    return rows | {
        "outbox": [row for row in rows["outbox"] if row["kind"] != "file"],
        "action_plans": [row | {"origin": "coachee"} for row in rows["action_plans"]],
        "coaching_sessions": [row | {"summary": at_0003(row.get("summary"))} for row in rows["coaching_sessions"]],
    }


def at_0003(document: Any) -> Any:
    """A document as revision 0003 holds it."""
    return next((was for was, now in [*DOCUMENTS, (WITHOUT_SOURCES, WITH_SOURCES)] if now == document), document)


def as_after_0004(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows of revision 0003 as revision 0004 finds them: a document that it knows is a first version."""
    sessions, versions = [], []
    for row in rows["coaching_sessions"]:
        document = at_0004(row["summary"])
        sessions.append(row | {"summary": document})
        if document != row["summary"]:
            version = {
                "version": 1,
                "document": document,
                "writer": document["writer"],
                "prompt": None,
                "model": None,
            }
            ids = {"id": first_version(row["id"]), "session_id": row["id"]}
            versions.append(ids | version | {"created_at": row["updated_at"]})
    new = {"milestones": [], "model_usage": [], "summaries": sorted(versions, key=lambda row: row["id"])}
    return rows | {"coaching_sessions": sessions} | new


def at_0004(document: Any) -> Any:
    """A document of revision 0003 as revision 0004 holds it."""
    known = [*DOCUMENTS, (WITHOUT_SOURCES, WITHOUT_SOURCES_NOW)]
    return next((now for was, now in known if was == document), document)


def as_before_0005(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows as revision 0004 holds them: nothing of who people are to each other, and of what they set since."""
    rows = as_before_0006(rows)
    old = {table: of_table for table, of_table in rows.items() if table not in {new.name for new in OF_PEOPLE}}
    return old | {
        "users": [{name: value for name, value in row.items() if name not in OF_A_PERSON} for row in rows["users"]],
        "outbox": [row for row in rows["outbox"] if row["kind"] not in KINDS_OF_PEOPLE],
    }


def as_after_0005(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows of revision 0004 as the newest one finds them: people are coachees who say yet who they are."""
    roles = [
        {"user_id": row["id"], "role": "coachee", "granted_by": None, "created_at": row["created_at"]}
        for row in rows["users"]
    ]
    new: dict[str, list[Values]] = {table.name: [] for table in OF_PEOPLE}
    return rows | NOTHING_BOOKED | new | {"users": [row | OF_A_PERSON for row in rows["users"]], "user_roles": roles}


def as_before_0009(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows as revision 0008 holds them: nobody is asked."""
    return {table: of_table for table, of_table in rows.items() if table not in {new.name for new in CONSENTS}}


def as_before_0008(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows as revision 0007 holds them: nothing of what happened, no calendars."""
    rows = as_before_0009(rows)
    old = {table: of_table for table, of_table in rows.items() if table not in {new.name for new in WHAT_HAPPENED}}
    return old | {"outbox": [row for row in rows["outbox"] if row["kind"] not in KINDS_OF_SESSIONS]}


def as_before_0007(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows as revision 0006 holds them: sessions that are nowhere."""
    rows = as_before_0008(rows)
    sessions = [
        {name: value for name, value in row.items() if name not in OF_A_RESOURCE}
        for row in rows["scheduled_sessions"]
    ]
    old = {table: of_table for table, of_table in rows.items() if table != t.resources.name}
    return old | {"scheduled_sessions": sessions}


def as_after_0007(rows: dict[str, list[Values]], *not_held: UUID) -> dict[str, list[Values]]:
    """Rows of revision 0006 as the newest one finds them: all sessions on Machine 1, and these do not hold it."""
    sessions = [
        row | {"resource_id": MACHINE_1["id"], "resource_held": row["id"] not in not_held}
        for row in rows["scheduled_sessions"]
    ]
    return rows | {
        **{table.name: [] for table in (*WHAT_HAPPENED, *CONSENTS)},
        "resources": [MACHINE_1],
        "scheduled_sessions": sessions,
    }


def as_before_0006(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows as revision 0005 holds them: nothing is booked."""
    booked = {table.name for table in (*BOOKED, *WHAT_HAPPENED, t.resources)}
    return {table: of_table for table, of_table in as_before_0008(rows).items() if table not in booked}


def as_after_all(rows: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """Rows of revision 0003 as the newest one finds them."""
    return as_after_0005(as_after_0004(rows))


def forget_what_0005_adds(engine: Engine) -> None:
    """Leave what revision 0004 can hold."""
    u, everybody = t.users.c, literal("coachee")
    with engine.begin() as connection:
        for table in (*CONSENTS, *WHAT_HAPPENED, t.scheduled_sessions, t.programmes, t.availabilities):
            connection.execute(delete(table))
        connection.execute(delete(t.resources).where(t.resources.c.id != MACHINE_1["id"]))
        connection.execute(delete(t.outbox).where(t.outbox.c.kind.in_(KINDS_OF_SESSIONS)))
        for table in OF_PEOPLE:
            connection.execute(delete(table))
        connection.execute(update(t.users).values(**OF_A_PERSON))
        coachees = select(u.id, everybody, u.created_at)
        connection.execute(insert(t.user_roles).from_select(["user_id", "role", "created_at"], coachees))
        connection.execute(delete(t.outbox).where(t.outbox.c.kind.in_(KINDS_OF_PEOPLE)))


def forget_what_0004_adds(engine: Engine) -> None:
    """Leave what revision 0003 can hold."""
    forget_what_0005_adds(engine)
    with engine.begin() as connection:
        connection.execute(delete(t.milestones))
        connection.execute(delete(t.model_usage))
        connection.execute(delete(t.summaries).where(t.summaries.c.session_id == some_id(3)))
        of_session = t.coaching_sessions.c.id == some_id(3)
        connection.execute(update(t.coaching_sessions).where(of_session).values(summary=None))
        connection.execute(update(t.action_plans).values(origin="coachee"))
        connection.execute(delete(t.outbox).where(t.outbox.c.kind == "file"))


def going_back(engine: Engine, revision: str) -> None:
    """The way down, whatever it loses."""
    migrations.downgrade(engine, revision, lossy=True)


def emptied(engine: Engine) -> Engine:
    """The database as it was before the first migration."""
    migrations.downgrade(engine, "base", lossy=True)
    return engine


# ---- up, down and up again


def test_the_rows_of_these_tests_hold_a_value_and_where_it_may_be_nothing_in_every_column() -> None:
    for table in t.metadata.sorted_tables:
        for column in table.c:
            held = {row.get(column.name) is None for row in ROWS[table]}
            assert held == ({True, False} if column.nullable else {False}), column


def test_the_way_down_to_the_first_tables_and_up_again_loses_what_is_added_since_and_nothing_else(
    engine: Engine,
) -> None:
    """Of 0003, two columns and requests of seconds' use; all else is equal, on the way and after it."""
    populate(engine)
    left = as_before_0003(as_before_0004(as_before_0005(everything(engine))))
    migrations.downgrade(engine, "0002", lossy=True)
    assert everything(engine) == left
    migrations.downgrade(engine, "0001")  # an index is no data
    assert migrations.current(engine) == "0001"
    assert everything(engine) == left
    migrations.upgrade(engine, "0002")
    assert everything(engine) == left
    migrations.upgrade(engine)
    assert migrations.current(engine) == migrations.head()
    assert everything(engine) == as_after_all(as_after_0003(left))


def test_the_way_down_to_0003_and_up_again_loses_what_0004_adds_and_nothing_else(engine: Engine) -> None:
    """Older versions, milestones, usage, files, that an item was suggested, and what a summary's lines rest on."""
    populate(engine)
    left = as_before_0004(as_before_0005(everything(engine)))
    assert len(left["action_plans"]) == 3
    assert WITHOUT_SOURCES in [row["summary"] for row in left["coaching_sessions"]]
    for _ in range(2):
        migrations.downgrade(engine, "0003", lossy=True)
        assert migrations.current(engine) == "0003"
        assert everything(engine) == left
        migrations.upgrade(engine)
        assert everything(engine) == as_after_all(left)


def test_the_way_down_to_0004_and_up_again_loses_what_0005_adds_and_nothing_else(engine: Engine) -> None:
    """Roles, ties, parents, links, notes, the audit log, and what people had set since."""
    populate(engine)
    left = as_before_0005(everything(engine))
    assert {row["kind"] for row in left["outbox"]} > {"say", "file"}
    for _ in range(2):
        migrations.downgrade(engine, "0004", lossy=True)
        assert migrations.current(engine) == "0004"
        assert everything(engine) == left
        migrations.upgrade(engine)
        assert everything(engine) == as_after_0005(left)


def test_the_way_down_to_0005_and_up_again_loses_what_is_booked_and_nothing_else(engine: Engine) -> None:
    populate(engine)
    left = as_before_0006(everything(engine))
    for _ in range(2):
        migrations.downgrade(engine, "0005", lossy=True)
        assert everything(engine) == left
        migrations.upgrade(engine)
        assert everything(engine) == left | NOTHING_BOOKED


def at_0006_with_overlaps(engine: Engine) -> tuple[UUID, ...]:
    """Sessions of several pairs at the same times, as 0006 takes them; gives those that cannot hold the machine."""
    at_revision(engine, "0006")
    populate(engine)
    day, hour = NOW + timedelta(days=30), timedelta(hours=1)
    row = {**rows_at("0006")["scheduled_sessions"][1], "status": "scheduled", "programme_id": some_id(2)}
    plain = {"ends_at": None, "coach_id": None}
    rows = (
        (10, 1, day, 3, {}),
        (11, 2, day + hour, 1, {}),  # in the first
        (12, 3, day + hour, 2, {"status": "missed"}),  # starts with the one before
        (13, 4, day + 3 * hour, 1, {}),  # begins as the first ends
        (14, 1, day + 3 * hour, 1, {"status": "cancelled"}),  # takes no time
        (15, 1, day + 4 * hour, 1, {"status": "completed"}),  # touches
        (16, 2, day + 4 * hour, 1, {"status": "pending", "replaces_id": some_id(14)}),
        (17, 3, day + 5 * hour - timedelta(microseconds=1), 1, {}),  # by a microsecond
    )
    with engine.begin() as connection:
        for number, coachee, starts_at, hours, more in rows:
            own = {"id": some_id(number), "session_number": number, "coachee_id": some_id(coachee)}
            times = {"starts_at": starts_at, "ends_at": starts_at + hours * hour}
            connection.execute(insert(t.scheduled_sessions).values({**row, **plain, **own, **times, **more}))
    return tuple(some_id(number) for number in (11, 12, 16, 17))


def test_sessions_of_before_are_on_machine_1_and_all_are_kept(engine: Engine) -> None:
    """Those that overlap an earlier one do not hold it; up, down and up again, every row is equal."""
    not_held = at_0006_with_overlaps(engine)
    before = everything(engine)
    assert len(before["scheduled_sessions"]) == 12
    migrations.upgrade(engine)
    after = everything(engine)
    assert after == as_after_0007(before, *not_held)
    migrations.upgrade(engine)
    assert everything(engine) == after, "run twice it does nothing"
    migrations.downgrade(engine, "0007", lossy=True)
    migrations.downgrade(engine, "0006")  # nothing is lost by this one: no flag
    assert everything(engine) == before
    migrations.upgrade(engine)
    assert everything(engine) == after


def test_on_machine_1_nothing_new_can_be_at_one_time(engine: Engine) -> None:
    """What is there may stay, and be changed; what comes, or is moved, has to find it free."""
    held, *_ = at_0006_with_overlaps(engine)
    migrations.upgrade(engine)
    s = t.scheduled_sessions
    with engine.begin() as connection:
        connection.execute(update(s).where(s.c.id == held).values(status="pending", version=2))
    day = NOW + timedelta(days=30)
    fresh = {"status": "scheduled", "coachee_id": some_id(4), "resource_held": True}
    for starts_at, taken in ((day, False), (day + timedelta(hours=6), True)):
        why = refusal(engine, *of(s, **fresh, starts_at=starts_at, ends_at=starts_at + timedelta(hours=1)))
        assert (why == "") is taken
        assert taken or "overlap: resource" in why or "ex_scheduled_sessions_resource_id" in why
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(update(s).where(s.c.id == held).values(resource_held=True))


@pytest.mark.parametrize(
    "change",
    [
        insert(t.resources).values({**ROWS[t.resources][1], "in_service": True}),
        update(t.resources).values(in_service=False),
        update(t.resources).values(name=WORDS),
        update(t.resources).values(kind="room"),
    ],
    ids=["one more", "out of service", "named", "a room"],
)
def test_going_back_past_resources_is_refused_where_it_loses_something(engine: Engine, change: Any) -> None:
    at_0006_with_overlaps(engine)
    migrations.upgrade(engine, "0007")
    with engine.begin() as connection:
        connection.execute(change)
    before = everything(engine)
    with pytest.raises(migrations.LossyDowngradeError, match=r"^0007$"):
        migrations.downgrade(engine, "0006")
    assert migrations.current(engine) == "0007"
    assert everything(engine) == before
    migrations.downgrade(engine, "0006", lossy=True)
    assert everything(engine) == as_before_0007(before)


def test_rows_that_hold_nothing_of_0005_are_equal_after_the_way_down_and_up_again(engine: Engine) -> None:
    populate(engine)
    forget_what_0005_adds(engine)
    before = everything(engine)
    migrations.downgrade(engine, "0004", lossy=True)
    migrations.upgrade(engine)
    assert everything(engine) == before


def test_people_of_a_database_at_0004_are_coachees_who_say_yet_who_they_are(engine: Engine) -> None:
    """Nobody was asked for their age before; nothing is shared that was not chosen, and all else is as it was."""
    at_revision(engine, "0004")
    populate(engine)
    before = everything(engine)
    migrations.upgrade(engine)
    assert everything(engine) == as_after_0005(before)
    assert [row["standing"] for row in everything(engine)["users"]] == ["joining"] * 4
    assert {(row["role"], row["granted_by"]) for row in everything(engine)["user_roles"]} == {("coachee", None)}
    assert len(everything(engine)["user_roles"]) == 4


def test_who_is_written_without_what_0005_adds_gets_what_those_before_got(engine: Engine) -> None:
    """The defaults are the database's own, also after the columns were dropped and made anew."""
    for _ in range(2):
        row = {name: value for name, value in ROWS[t.users][1].items() if name not in OF_A_PERSON}
        with engine.begin() as connection:
            connection.execute(insert(t.users), row)
        assert everything(engine)["users"] == [row | OF_A_PERSON | {"unreachable_since": None}]
        assert "ck_users_standing" in refusal(engine, *of(t.users, standing="gone"))
        migrations.downgrade(engine, "0004", lossy=True)
        assert not columns(engine, t.users) & set(OF_A_PERSON)
        with engine.begin() as connection:
            connection.execute(delete(t.users))
        migrations.upgrade(engine)


def test_rows_that_hold_nothing_of_0004_are_equal_after_the_way_down_and_up_again(engine: Engine) -> None:
    """A session's only version comes back as it was, with its id and its moment."""
    populate(engine)
    forget_what_0004_adds(engine)
    before = everything(engine)
    assert len(before["summaries"]) == 1
    migrations.downgrade(engine, "0003", lossy=True)
    migrations.upgrade(engine)
    assert everything(engine) == before


def test_rows_that_hold_nothing_of_0003_are_equal_after_the_way_down_and_up_again(engine: Engine) -> None:
    """Who let the model help and dropped nothing loses nothing."""
    populate(engine)
    forget_what_0004_adds(engine)
    with engine.begin() as connection:
        connection.execute(update(t.users).values(model_help=True))
        connection.execute(update(t.action_plans).values(dropped_at=None))
        connection.execute(delete(t.outbox).where(t.outbox.c.kind.in_(NEW_KINDS)))
    before = everything(engine)
    migrations.downgrade(engine, "0001", lossy=True)
    migrations.upgrade(engine)
    assert everything(engine) == before


def test_people_of_a_database_at_0002_let_the_model_help_from_0003_on(engine: Engine) -> None:
    """Nobody was asked before there was the choice; all else they have is as it was."""
    at_revision(engine, "0002")
    populate(engine)
    before = everything(engine)
    assert len(before["users"]) == 4
    migrations.upgrade(engine)
    assert everything(engine) == as_after_all(as_after_0003(before))
    assert [row["model_help"] for row in everything(engine)["users"]] == [True] * 4


def at_revision(engine: Engine, revision: str) -> Engine:
    """An empty database that has only ever been brought up to a revision."""
    migrations.upgrade(emptied(engine), revision)
    return engine


@pytest.mark.parametrize("revision", ["0007", "0006", "0005", "0004", "0003", "0002"])
def test_checks_and_indexes_are_the_same_after_the_way_down_and_up_again(engine: Engine, revision: str) -> None:
    """SQLite's outbox and action plans are made anew on both ways: nothing of them is forgotten."""
    populate(engine)
    above = all_described(engine)
    migrations.downgrade(engine, revision, lossy=True)
    below = all_described(engine)
    migrations.upgrade(engine)
    assert all_described(engine) == above
    at_revision(engine, revision)
    assert all_described(engine) == below
    assert below != above


@pytest.mark.parametrize(
    ("revision", "below", "table", "column", "value"),
    [
        ("0003", "0002", t.outbox, "kind", "reflect"),
        ("0003", "0002", t.outbox, "kind", "transcribe"),
        ("0004", "0003", t.outbox, "kind", "file"),
        ("0004", "0003", t.action_plans, "origin", "suggestion"),
        *(("0005", "0004", t.outbox, "kind", kind) for kind in KINDS_OF_PEOPLE),
        *(("0008", "0007", t.outbox, "kind", kind) for kind in KINDS_OF_SESSIONS),
    ],
)
def test_a_table_takes_the_words_of_its_revision_and_no_others(
    engine: Engine, revision: str, below: str, table: Table, column: str, value: str
) -> None:
    populate(engine)
    known = ROWS[table][1][column]
    for to, taken in ((revision, True), (below, False), (revision, True)):
        (going_back if (migrations.current(engine) or "") > to else migrations.upgrade)(engine, to)
        assert (refusal(engine, *of(table, **{column: value})) == "") is taken
        assert refusal(engine, *of(table, **{column: known})) == ""
        assert f"ck_{table.name}_{column}" in refusal(engine, *of(table, **{column: "shout"}))


@pytest.mark.parametrize("revision", ["0009", "0008", "0007", "0006", "0005", "0004", "0003"])
@pytest.mark.parametrize("move", [migrations.upgrade, going_back], ids=["up", "down"])
def test_a_migration_that_breaks_at_its_end_leaves_the_database_as_it_was(
    engine: Engine, move: Callable[[Engine, str], None], revision: str
) -> None:
    below = f"{int(revision) - 1:04}"
    start, to = (below, revision) if move is migrations.upgrade else (revision, below)
    at_revision(engine, start)
    populate(engine)
    rows, tables = everything(engine), all_described(engine)

    def die(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("UPDATE alembic_version"):
            raise RuntimeError("killed")

    event.listen(engine, "before_cursor_execute", die)
    with pytest.raises(RuntimeError, match="killed"):
        move(engine, to)
    event.remove(engine, "before_cursor_execute", die)
    assert migrations.current(engine) == start
    assert everything(engine) == rows
    assert all_described(engine) == tables


# ---- the documents of 0003 and 0004


def with_documents(engine: Engine, documents: list[Any]) -> None:
    """A session with each of these documents, of a moment of its own."""
    session = {**ROWS[t.coaching_sessions][1], "user_id": some_id(1)}
    person = rows_at(migrations.current(engine))["users"][0]
    with engine.begin() as connection:
        connection.execute(insert(t.users), person)
        own = [
            {"id": some_id(n), "summary": d, "updated_at": NOW + timedelta(microseconds=n)}
            for n, d in enumerate(documents)
        ]
        connection.execute(insert(t.coaching_sessions), [session | values for values in own])


def summaries_of(engine: Engine) -> list[Any]:
    """The documents on the sessions, in the order in which `with_documents` put them there."""
    return [row["summary"] for row in everything(engine)["coaching_sessions"]]


def test_a_document_of_0003_is_a_first_version_at_0004_and_equal_after_the_way_back(engine: Engine) -> None:
    """The version has the moment at which the session was last written to, on each kind of database."""
    at_revision(engine, "0003")
    with_documents(engine, [was for was, _ in DOCUMENTS])
    before = everything(engine)
    migrations.upgrade(engine)
    assert summaries_of(engine) == [now for _, now in DOCUMENTS]
    assert everything(engine) == as_after_all(before)
    versions = {row["session_id"]: row for row in everything(engine)["summaries"]}
    for number, (_, now) in enumerate(DOCUMENTS):
        version = versions[some_id(number)]
        assert version["document"] == now
        assert (version["version"], version["writer"]) == (1, now["writer"])
        assert version["created_at"] == NOW + timedelta(microseconds=number)
        assert version["created_at"].utcoffset() == timedelta(0)
    migrations.downgrade(engine, "0003", lossy=True)
    assert everything(engine) == before


def test_a_moment_is_the_same_wherever_the_server_is(database: str) -> None:
    """PostgreSQL gives moments in the time zone of the session that asks for them."""
    engine = connect(database)
    if not is_sqlite(engine):
        engine.dispose()
        engine = connect(f"{database}?options=-ctimezone%3DAsia/Kolkata")
    at_revision(engine, "0003")
    with_documents(engine, [WRITTEN])
    migrations.upgrade(engine)
    assert [row["created_at"] for row in everything(engine)["summaries"]] == [NOW]
    engine.dispose()


def test_a_document_of_0003_without_what_may_be_left_out_is_read_as_0003_did(engine: Engine) -> None:
    at_revision(engine, "0003")
    steps = [{name: value for name, value in step.items() if name != "due"} for step in WRITTEN["action_plan"]]
    short = {name: value for name, value in WRITTEN.items() if name != "stood_in"} | {"action_plan": steps}
    with_documents(engine, [short])
    migrations.upgrade(engine)
    [now] = summaries_of(engine)
    assert now["reason"] is None
    assert [item["due"] for item in now["action_plan"]] == [None, None]


def test_a_document_of_an_unknown_shape_stays_as_it_is_on_both_ways(engine: Engine) -> None:
    """It is no version, and does not keep the others from being converted."""
    at_revision(engine, "0003")
    with_documents(engine, [*UNKNOWN, WRITTEN])
    before = everything(engine)
    migrations.upgrade(engine)
    assert summaries_of(engine) == [*UNKNOWN, WRITTEN_NOW]
    assert [row["session_id"] for row in everything(engine)["summaries"]] == [some_id(len(UNKNOWN))]
    migrations.downgrade(engine, "0003", lossy=True)
    assert everything(engine) == before


def test_a_table_of_many_documents_is_converted_whole_and_in_pages(engine: Engine) -> None:
    """Each once, also where a page ends or holds none that is known; what is read at once does not grow."""
    at_revision(engine, "0003")
    many = [WRITTEN] * 500 + [JSON] * 501 + [None] * 400 + [EMPTY, WRITTEN] * 250
    with_documents(engine, many)
    before = everything(engine)
    statements: list[str] = []

    def seen(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", seen)
    migrations.upgrade(engine)
    event.remove(engine, "before_cursor_execute", seen)
    assert sum(statement.startswith("SELECT coaching_sessions") for statement in statements) == 5
    assert sum(statement.startswith("UPDATE coaching_sessions") for statement in statements) == 3
    assert everything(engine) == as_after_all(before)
    migrations.downgrade(engine, "0003", lossy=True)
    assert everything(engine) == before


def test_a_table_that_is_referred_to_is_not_made_anew(engine: Engine) -> None:
    """SQLite would have the others refer to the table that is dropped, and say nothing."""
    if not is_sqlite(engine):
        pytest.skip("PostgreSQL changes a CHECK in place")
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        with pytest.raises(RuntimeError, match="action_plans is referred to"):
            recheck("action_plans", "origin", "origin IN ('coachee', 'suggestion')", "origin IN ('coachee')")
        with pytest.raises(RuntimeError, match="outbox is not as"):
            recheck("outbox", "kind", "kind IN ('say')", "kind IN ('say', 'edit')")


# ---- up, down and up again, whatever is in it


def test_what_is_read_is_what_was_written(engine: Engine) -> None:
    populate(engine)
    for table in t.metadata.sorted_tables:
        written = [{column.name: values.get(column.name) for column in table.c} for values in ROWS[table]]
        found = everything(engine)[table.name]
        assert sorted(found, key=repr) == sorted(written, key=repr)


def test_each_step_down_can_be_undone_and_done_again(engine: Engine) -> None:
    """The stairway: from nothing, each revision up, down and up."""
    emptied(engine)
    steps = [script.revision for script in reversed(list(migrations._scripts().walk_revisions()))]
    assert steps[-1] == migrations.head()
    for below, step in zip(["base", *steps], steps, strict=False):
        migrations.upgrade(engine, step)
        migrations.downgrade(engine, below, lossy=True)
        migrations.upgrade(engine, step)
        assert migrations.current(engine) == step


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    populate(engine)
    before = everything(engine)
    migrations.upgrade(engine)
    migrations.upgrade(engine)
    assert everything(engine) == before


@pytest.mark.parametrize(
    ("revision", "losing"),
    [
        ("base", "0001, 0003, 0004, 0005, 0006, 0007, 0008, 0009"),
        ("0001", "0003, 0004, 0005, 0006, 0007, 0008, 0009"),
        ("0002", "0003, 0004, 0005, 0006, 0007, 0008, 0009"),
        ("0003", "0004, 0005, 0006, 0007, 0008, 0009"),
        ("0004", "0005, 0006, 0007, 0008, 0009"),
        ("0005", "0006, 0007, 0008, 0009"),
        ("0006", "0007, 0008, 0009"),
        ("0007", "0008, 0009"),
        ("0008", "0009"),
        ("-1", "0009"),
    ],
)
def test_going_back_past_what_people_said_or_chose_is_refused_and_nothing_changes(
    engine: Engine, revision: str, losing: str
) -> None:
    populate(engine)
    before = everything(engine)
    with pytest.raises(migrations.LossyDowngradeError, match=f"^{losing}$"):
        migrations.downgrade(engine, revision)
    assert migrations.current(engine) == migrations.head()
    assert everything(engine) == before


def test_who_says_lossy_gets_an_empty_database_that_can_be_filled_anew(engine: Engine) -> None:
    populate(engine)
    emptied(engine)
    assert migrations.current(engine) is None
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrations.upgrade(engine)
    assert {name: rows for name, rows in everything(engine).items() if rows} == {"resources": [MACHINE_1]}
    populate(engine)


@pytest.mark.processes
def test_processes_that_migrate_at_once_all_succeed(database: str, engine: Engine) -> None:
    """The lock is held here until both wait for it, so that they are at it together."""
    if is_sqlite(engine):
        pytest.skip("SQLite serves one process")
    emptied(engine)
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    waiting = text(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {here}")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as held:
        held.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": migrations.LOCK})
        starting = [_migrate(database) for _ in range(2)]
        while held.execute(waiting).scalar() != 2:
            assert all(process.poll() is None for process in starting), "one did not wait"
        held.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": migrations.LOCK})
        ended = [process.communicate(timeout=60) for process in starting]
    assert [process.returncode for process in starting] == [0, 0], ended
    assert migrations.current(engine) == migrations.head()


def _migrate(database: str) -> subprocess.Popen[str]:
    """`waymark migrate`, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "migrate"],
        env={**os.environ, "DATABASE_URL": database},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


# ---- models and migrations agree


def test_the_migrations_lead_to_the_tables_of_the_models(engine: Engine) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), t.metadata) == []


@pytest.fixture
def modelled(database: str, engine: Engine, tmp_path: Path) -> Iterator[Engine]:
    """A database made from the models themselves, without migrations."""
    if is_sqlite(engine):
        made = connect(f"sqlite:///{tmp_path}/modelled.db")
    else:
        with engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA modelled"))
        made = connect(f"{database}?options=-csearch_path%3Dmodelled")
    t.metadata.create_all(made)
    yield made
    made.dispose()


def described(engine: Engine, table: str) -> Values:
    """What the database says of a table: also its checks and which rows a partial index holds."""
    found = inspect(engine)
    foreign = [
        {key: value for key, value in fk.items() if key != "referred_schema"} for fk in found.get_foreign_keys(table)
    ]
    return {
        "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(table)},
        "primary key": found.get_pk_constraint(table),
        "foreign keys": sorted(foreign, key=repr),
        "unique": sorted(found.get_unique_constraints(table), key=repr),
        "checks": sorted(found.get_check_constraints(table), key=repr),
        "indexes": sorted((_index(index) for index in found.get_indexes(table)), key=repr),
    }


def all_described(engine: Engine) -> dict[str, Values]:
    """What the database says of its tables, and how it refuses what overlaps."""
    if is_sqlite(engine):
        overlaps = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    else:
        overlaps = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'x' ORDER BY conname"
    with engine.connect() as connection:
        refused = [tuple(row) for row in connection.execute(text(overlaps))]
    tables = {name: described(engine, name) for name in inspect(engine).get_table_names()}
    return tables | {"overlaps": {"refused": refused}}


def _index(index: Any) -> Values:
    options = index.get("dialect_options", {})
    kept = {key: str(value).replace('"', "") for key, value in options.items() if key.endswith("where")}
    return {"name": index["name"], "columns": index["column_names"], "unique": index["unique"], **kept}


def test_checks_and_partial_indexes_are_those_of_the_models(engine: Engine, modelled: Engine) -> None:
    names = {table.name for table in t.metadata.sorted_tables}
    assert set(inspect(engine).get_table_names()) - {"alembic_version"} == names
    for table in sorted(names):
        assert described(engine, table) == described(modelled, table)


def test_every_partial_index_is_partial(engine: Engine) -> None:
    partial = {
        index["name"]
        for table in inspect(engine).get_table_names()
        for index in inspect(engine).get_indexes(table)
        if any(key.endswith("where") for key in index.get("dialect_options", {}))
    }
    partial -= {f"ex_scheduled_sessions_{name}" for name in ("coach_id", "coachee_id", "resource_id")}  # PostgreSQL's
    assert partial == {
        "ix_outbox_due_at",
        "ix_outbox_failed",
        "ix_outbox_named",
        "ix_timers_due_at",
        "ix_updates_set_aside",
        "uq_coach_coachee_mappings_primary",
        "uq_consents_open",
        "uq_scheduled_sessions_number",
    }


# ---- what the database refuses


FRESH: dict[Table, Values] = {
    t.user_roles: {"user_id": some_id(4)},
    t.coach_coachee_mappings: {"coach_id": some_id(4), "kind": "secondary"},
    t.guardianships: {"parent_id": some_id(4)},
    t.invites: {"token_hash": "7" * 64},
    t.tombstones: {"user_id": some_id(77)},
    t.availabilities: {"coach_id": some_id(4)},
    t.slot_holds: {"held_by": some_id(4), "starts_at": LATER, "ends_at": LATER + timedelta(hours=1)},
    t.consents: {"session_id": some_id(1)},
    t.calendar_feeds: {"user_id": some_id(4), "token_hash": "7" * 64},
}
"""What else makes a row another one than that of `ROWS`."""


def of(table: Table, **changes: Any) -> tuple[Table, Values]:
    """A row like one of `ROWS`, under keys of its own, but for some values."""
    numbers = dict.fromkeys(("chat_id", "update_id", "telegram_id", "version", "number"), 77)
    fresh = {"id": some_id(77), "stage_number": 3, "day": date(2026, 11, 24), **numbers, **FRESH.get(table, {})}
    own = {name: value for name, value in fresh.items() if name in table.c}
    return table, {**ROWS[table][1], **own, **changes}


CHECKED = {
    "ck_users_standing": [of(t.users, standing="gone")],
    "ck_user_roles_role": [of(t.user_roles, role="teacher")],
    "ck_coach_coachee_mappings_kind": [of(t.coach_coachee_mappings, kind="third")],
    "ck_coach_coachee_mappings_two_people": [of(t.coach_coachee_mappings, coach_id=some_id(2))],
    "ck_guardianships_two_people": [of(t.guardianships, parent_id=some_id(2))],
    "ck_invites_role": [of(t.invites, role="teacher")],
    "ck_invites_kind": [of(t.invites, kind="third")],
    "ck_audit_log_via": [of(t.audit_log, via="rumour")],
    "ck_audit_log_outcome": [of(t.audit_log, outcome="perhaps")],
    "ck_updates_state": [of(t.updates, state="lost")],
    "ck_outbox_kind": [of(t.outbox, kind="shout")],
    "ck_outbox_status": [of(t.outbox, status="lost")],
    "ck_timers_state": [of(t.timers, state="lost")],
    "ck_coaching_sessions_current_stage": [of(t.coaching_sessions, current_stage=n) for n in (0, 6)],
    "ck_coaching_sessions_session_type": [of(t.coaching_sessions, session_type="séance")],
    "ck_coaching_sessions_ended": [of(t.coaching_sessions, ended="vanished")],
    "ck_coaching_sessions_record_status": [of(t.coaching_sessions, record_status="lost")],
    "ck_stage_responses_stage_number": [of(t.stage_responses, stage_number=n) for n in (0, 6)],
    "ck_action_plans_priority": [of(t.action_plans, priority=n) for n in (0, 6)],
    "ck_action_plans_status": [of(t.action_plans, status="lost")],
    "ck_action_plans_origin": [of(t.action_plans, origin="somewhere")],
    "ck_summaries_writer": [of(t.summaries, writer="nobody")],
    "ck_model_usage_kind": [of(t.model_usage, kind=kind) for kind in ("request_summary", "file")],
    "ck_resources_kind": [of(t.resources, kind="garden")],
    "ck_resources_number": [of(t.resources, number=n) for n in (0, -1)],
    "ck_programmes_minutes": [of(t.programmes, minutes=n) for n in (9, 481)],
    **{
        f"ck_scheduled_sessions_{column}": [of(t.scheduled_sessions, **{column: "lost"})]
        for column in ("status", "cancellation_status", "absent", "record_status", "calendar_state")
    },
    "ck_scheduled_sessions_ends_after_it_starts": [
        of(t.scheduled_sessions, ends_at=NOW - timedelta(hours=n)) for n in (0, 1)
    ],
    "ck_scheduled_sessions_at_most_twelve_hours": [
        of(t.scheduled_sessions, ends_at=NOW + timedelta(hours=12, microseconds=1))
    ],
    "ck_scheduled_sessions_session_number": [of(t.scheduled_sessions, session_number=0)],
    "ck_slot_holds_ends_after_it_starts": [of(t.slot_holds, ends_at=LATER)],
    "ck_learning_events_event_type": [of(t.learning_events, event_type="party")],
    **{
        f"ck_consents_{column}": [of(t.consents, **{column: "lost"})]
        for column in ("asked_as", "decider", "on_silence", "call_outcome")
    },
    "ck_consents_status": [of(t.consents, status="lost", decided_at=NOW)],
    "ck_consents_decided_as": [of(t.consents, decided_as="lost")],
    "ck_consents_decided_once": [of(t.consents, decided_at=NOW), of(t.consents, status="kept")],
    "ck_consents_no_answer_is_nobodys": [
        of(t.consents, status="approved", decided_at=NOW, decided_as="no_answer", decided_by=some_id(1))
    ],
    "ck_consents_phone_while_open": [of(t.consents, status="kept", decided_at=NOW, phone="+49 30 123456")],
    "ck_coach_questions_status": [of(t.coach_questions, status="lost")],
    "ck_action_plans_timeline": [of(t.action_plans, timeline_end=date(2026, 11, 22))],
}
"""Rows by the check that refuses them."""

INVITED = ("inviter_id", "coachee_id", "coach_id", "used_by")
REFUSED = {
    "somebody with the Telegram id of another": of(t.users, telegram_id=-2),
    "somebody without a name": of(t.users, name=None),
    "somebody without a standing": of(t.users, standing=None),
    "somebody who shares what is not known": of(t.users, sharing=None),
    "a role of nobody": of(t.user_roles, user_id=some_id(99)),
    "a role twice": of(t.user_roles, user_id=some_id(2), role="coachee"),
    "a second active primary coach": of(t.coach_coachee_mappings, kind="primary"),
    "a coach and a coachee twice": of(t.coach_coachee_mappings, coach_id=some_id(1)),
    "a coach who is nobody": of(t.coach_coachee_mappings, coach_id=some_id(99)),
    "a coachee who is nobody": of(t.coach_coachee_mappings, coachee_id=some_id(99)),
    "a parent and a child twice": of(t.guardianships, parent_id=some_id(1)),
    "a parent who is nobody": of(t.guardianships, parent_id=some_id(99)),
    "a child who is nobody": of(t.guardianships, child_id=some_id(99)),
    "a link with the token of another": of(t.invites, token_hash="f" * 64),
    "a link that does not expire": of(t.invites, expires_at=None),
    **{f"a link whose {name} is nobody": of(t.invites, **{name: some_id(99)}) for name in INVITED},
    "a note by nobody": of(t.coach_notes, coach_id=some_id(99)),
    "a note of nobody": of(t.coach_notes, coachee_id=some_id(99)),
    "an audit row without an action": of(t.audit_log, action=None),
    "a person gone twice": of(t.tombstones, user_id=some_id(99)),
    "a second conversation in a chat": of(t.conversations, chat_id=BIG),
    "a conversation of nobody": of(t.conversations, user_id=some_id(99)),
    "an update claimed twice": of(t.updates, update_id=BIG),
    "an outbox row without a payload": of(t.outbox, payload=None),
    "a second timer of a name in a chat": of(t.timers, chat_id=BIG, key="summary"),
    "a session of nobody": of(t.coaching_sessions, user_id=some_id(99)),
    "a stage of no session": of(t.stage_responses, session_id=some_id(99)),
    "a stage of a session twice": of(t.stage_responses, stage_number=5),
    "an item of nobody": of(t.action_plans, user_id=some_id(99)),
    "an item of no session": of(t.action_plans, session_id=some_id(99)),
    "a milestone of no item": of(t.milestones, action_plan_id=some_id(99)),
    "a milestone with the number of another": of(t.milestones, number=1),
    "a milestone without a number": of(t.milestones, number=None),
    "a summary of no session": of(t.summaries, session_id=some_id(99)),
    "a version of a summary twice": of(t.summaries, version=2),
    "a summary without a document": of(t.summaries, document=None),
    "usage of nobody": of(t.model_usage, user_id=some_id(99)),
    "a resource with the number of another": of(t.resources, number=1),
    "a series of nobody": of(t.programmes, coachee_id=some_id(99)),
    "a booked session of no series": of(t.scheduled_sessions, programme_id=some_id(99)),
    "a booked session of nobody": of(t.scheduled_sessions, coachee_id=some_id(99)),
    "a booked session by nobody": of(t.scheduled_sessions, coach_id=some_id(99)),
    "a booked session nowhere": of(t.scheduled_sessions, resource_id=None),
    "a booked session on no resource": of(t.scheduled_sessions, resource_id=some_id(99)),
    "a booked session in place of none": of(t.scheduled_sessions, replaces_id=some_id(99)),
    "a booked session of no conversation": of(t.scheduled_sessions, conversation_id=some_id(99)),
    "a number in a series twice": of(t.scheduled_sessions, status="cancelled", session_number=3),
    "hours of nobody": of(t.availabilities, coach_id=some_id(99)),
    "hours of a coach twice": of(t.availabilities, coach_id=some_id(3)),
    "a time that is held by nobody": of(t.slot_holds, held_by=some_id(99)),
    "a second time that somebody holds": of(t.slot_holds, held_by=some_id(2)),
    "what happened to nobody": of(t.learning_events, coachee_id=some_id(99)),
    "what happened in no session": of(t.learning_events, session_id=some_id(99)),
    "a question in no session": of(t.coach_questions, session_id=some_id(99)),
    "a question to nobody": of(t.coach_questions, coachee_id=some_id(99)),
    "a consent to no session": of(t.consents, session_id=some_id(99)),
    "a consent of nobody": of(t.consents, coachee_id=some_id(99)),
    **{
        f"a consent whose {name} is nobody": of(t.consents, **{name: some_id(99)})
        for name in ("asked_by", "decided_by", "call_by")
    },
    "a second consent that is open for a session": of(t.consents, session_id=some_id(3)),
    "a calendar of nobody": of(t.calendar_feeds, user_id=some_id(99)),
    "a calendar with the address of another": of(t.calendar_feeds, token_hash="e" * 64),
    "usage of one key twice": of(t.model_usage, day=date(2026, 11, 23)),
}
"""Rows that keys and NOT NULL refuse."""


def refusal(engine: Engine, table: Table, values: Values) -> str:
    """Why the database refuses a row; empty if it takes it. Nothing is kept either way."""
    with engine.connect() as connection, connection.begin() as transaction:
        try:
            connection.execute(insert(table), values)
        except IntegrityError as error:
            return str(error.orig)
        finally:
            transaction.rollback()
    return ""


def test_the_rows_that_the_refusals_are_made_from_are_good(engine: Engine) -> None:
    populate(engine)
    for table in t.metadata.sorted_tables:
        assert refusal(engine, *of(table)) == ""


def test_every_check_of_the_models_refuses_what_it_is_for(engine: Engine) -> None:
    populate(engine)
    checks = {
        str(check.name)
        for table in t.metadata.sorted_tables
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }
    assert set(CHECKED) == checks
    for name, bad in CHECKED.items():
        for table, values in bad:
            assert name in refusal(engine, table, values)


def test_keys_refuse_what_is_there_twice_or_refers_to_nothing(engine: Engine) -> None:
    populate(engine)
    assert [what for what, (table, values) in REFUSED.items() if not refusal(engine, table, values)] == []


TAKEN = {
    "a second primary coach whose time is over": of(t.coach_coachee_mappings, kind="primary", active=False),
    "a secondary coach beside the primary one": of(t.coach_coachee_mappings, kind="secondary"),
    "a primary coach of somebody else": of(t.coach_coachee_mappings, kind="primary", coachee_id=some_id(1)),
    "a coachee who coaches their coach": of(
        t.coach_coachee_mappings, coach_id=some_id(2), coachee_id=some_id(1), kind="primary"
    ),
    "a number that a session had before it was moved": of(t.scheduled_sessions, session_number=3),
    "one more link without a token yet": of(t.invites, token_hash=None),
    "an audit row of people who are gone": of(t.audit_log, actor_id=some_id(99), subject_id=some_id(98)),
}
"""Rows that look like some that are refused."""


def test_what_only_looks_alike_is_taken(engine: Engine) -> None:
    populate(engine)
    refused = {what: refusal(engine, table, values) for what, (table, values) in TAKEN.items()}
    assert not any(refused.values()), refused


def test_a_second_active_primary_coach_is_refused_by_its_index_after_the_way_down_and_up_again(
    engine: Engine,
) -> None:
    populate(engine)
    migrations.downgrade(engine, "0004", lossy=True)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(insert(t.coach_coachee_mappings), ROWS[t.coach_coachee_mappings][1])
    why = refusal(engine, *of(t.coach_coachee_mappings, kind="primary"))
    assert "uq_coach_coachee_mappings_primary" in why or "mappings.coachee_id" in why
    assert refusal(engine, *of(t.coach_coachee_mappings)) == ""


@pytest.mark.parametrize("table", [t.users, t.coaching_sessions, t.action_plans], ids=lambda table: table.name)
def test_what_is_referred_to_cannot_be_deleted(engine: Engine, table: Table) -> None:
    populate(engine)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(delete(table))
    assert len(everything(engine)[table.name]) == len(ROWS[table])


def test_an_item_is_referred_to_after_its_table_was_made_anew(engine: Engine) -> None:
    """Foreign keys lead to the table that is there now, not to the one that was renamed for it."""
    populate(engine)
    migrations.downgrade(engine, "0003", lossy=True)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(insert(t.milestones), ROWS[t.milestones][0])
    assert refusal(engine, *of(t.milestones, action_plan_id=some_id(99)))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(delete(t.action_plans))
