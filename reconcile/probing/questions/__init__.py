"""The questions, in the order in which they are asked."""

from collections.abc import Mapping
from types import MappingProxyType

from reconcile.probing.question import Question
from reconcile.probing.questions import (
    association_calls,
    batch_answers,
    batch_updates,
    scopes_and_limits,
    single_records,
    stored_values,
    unique_values,
)

QUESTIONS: tuple[Question, ...] = (
    *unique_values.QUESTIONS,
    *batch_answers.QUESTIONS,
    *batch_updates.QUESTIONS,
    *stored_values.QUESTIONS,
    *single_records.QUESTIONS,
    *association_calls.QUESTIONS,
    *scopes_and_limits.QUESTIONS,  # last: it evaluates the responses to all the others
)
"""The open questions of the reference (§17), and every switch of the sandbox that can be asked."""

_NO_SEARCH = "reconcile never searches to decide anything"

NOT_ASKED: Mapping[str, str] = MappingProxyType(
    {
        "refused_calls_count": "it would take a deliberate 429",
        "v3_associations_have_the_pool": "reconcile sends no v3 association calls",
        "search_index_lag": _NO_SEARCH,
        "search_limits": _NO_SEARCH,
        "search_not_equal_needs_value": _NO_SEARCH,
        "stages_in_use_are_kept": "it would take a pipeline; the probe makes none",
        "disabled_object_types": "HubSpot's refusal to make a record says it",
        "shuffle_seed": "it is the sandbox's own",
        "secondary_emails_find_contacts": "it would take merging contacts; the probe makes none",
        "owners": "they are people of the account",
        "deactivated_owners": "they are people of the account",
        "deactivated_owners_may_own": "it would take an owner who left",
        "foreign_stage_stays": "it would take a second pipeline; the probe makes none",
        "sources_have_labels": "it would take another app or a person who writes",
        "workflow_source": "it would take a workflow; the probe makes none",
        "second_primary": "it would take companies; the probe makes none",
    }
)
"""Switches of the sandbox without a question, and why."""
