"""What could not be confirmed about HubSpot, as settings.

Each field is one uncertain fact, its default what the evidence suggests. A client that claims to be
correct should be correct under every setting.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Switches:
    """How the sandbox behaves where the reference is unsure, and what kind of account it is."""

    archived_unique_value: Literal["free", "reserved", "revives"] = "free"
    """What happens to the unique values of an archived record (ref §7, L; §17.2).

    ``free``: another record may take them, as is documented for the email of contacts.
    ``reserved``: they stay taken. ``revives``: a create or upsert with one brings the archived
    record back and changes it, as a contact comes back that submits a form.
    """

    unique_values_case_folded: bool = False
    """Two unique values that differ in case are the same (ref §7, L: unverified)."""

    unique_values_trimmed: bool = False
    """Two unique values that differ in outer white space are the same (ref §7, L: unverified)."""

    unique_values_normalised: bool = False
    """Two unique values that differ in Unicode form are the same (ref §7, L: unverified).

    An é, say, as one code point or as two.
    """

    line_items_may_have_unique_properties: bool = True
    """Line items may have unique properties (ref §6, M: the specification does not differ)."""

    trace_ids_rescue_batch_update: bool = False
    """An invalid input of a batch update fails alone when all inputs carry an objectWriteTraceId.

    Documented for batch create only (ref §4; §17 question 1).
    """

    missing_updates: Literal["each", "together", "untraced"] = "each"
    """How a batch update reports the records it could not find (ref §18, M).

    ``each``: an error for each, with its objectWriteTraceId beside its id, as seen of one record.
    ``together``: one error with the ids and the traces of all. ``untraced``: one error with the
    ids alone, as recorded of updates without traces (ref §4, §5). An update without a trace is in
    such an error in any case.
    """

    update_of_merged: Literal["left_out", "not_found"] = "left_out"
    """What a batch update answers for the id of a record that was merged away (ref §18, M).

    ``left_out``: neither a result nor an error, as seen once. ``not_found``: the error of any
    other missing record. Either way nothing is written (ref §8, H).
    """

    dated_archives_answer: Literal["body", "nothing"] = "body"
    """What batches that archive associations or labels answer on dated paths.

    ``body``: 200 with the body of a batch, as specified (ref §18, M). ``nothing``: 204, as the
    paths of version 4 do.
    """

    secondary_emails_find_contacts: bool = True
    """A contact is found by its secondary addresses as by its first (ref §18, M: stated for v1)."""

    batch_read_follows_merges: bool = True
    """A batch read of a merged id answers with the record it became (ref §8, M: seen once)."""

    create_associations: Literal["atomic", "lenient", "lost", "half_done"] = "atomic"
    """What happens to the associations of a create.

    ``atomic``: one that is invalid refuses the record. ``lenient``: it is left out and the record
    stays. ``lost``: none is made. ``half_done``: one that is invalid refuses the record, which is
    there all the same, with the associations named before it. Every recording seen is atomic;
    nothing documents it, and refusals name ids that were given to nothing (ref §5).
    """

    second_parent: Literal["kept", "refused", "moved"] = "kept"
    """What happens to a line item that is associated with a second possible parent.

    ``kept``: it has both; documented with an example, and advised against (ref §8). ``refused``:
    the second is refused; wording a guess. ``moved``: it loses the first. Neither was seen.
    """

    second_primary: Literal["kept", "refused", "moved"] = "kept"
    """What happens if a second company is labelled primary on one order (ref §18, L).

    ``kept``: both are. ``refused``: the second is not made; wording a guess. ``moved``: the first
    loses the label. The guide speaks of one alone; no answer was recorded.
    """

    numbers_read_back: Literal["canonical", "as_sent"] = "canonical"
    """Reads show ``1200`` for a stored ``1200.00``; write answers always echo (ref §12; §17.6)."""

    cleared_reads_back: Literal["empty", "null", "by_endpoint"] = "empty"
    """A cleared property reads back as ``""`` or null (ref §12: both seen, ``""`` more often).

    ``by_endpoint``: ``""`` in lists and searches, null in reads of records by id or key.
    """

    line_item_external_id_is_dropped: bool = True
    """Line item hs_external_id is echoed by the write and then gone (ref §6, M: three attempts)."""

    unique_conflict_has_tokens: bool = False
    """A unique-value conflict also carries errorType and errorTokens (ref §5: "sometimes")."""

    missing_scopes_shape: Literal["private_app", "oauth"] = "private_app"
    """Which of the two recorded 403 bodies a missing scope gets (ref §2)."""

    association_write_needs: Literal["both", "from"] = "both"
    """Whether associating needs write access to both object types or the first (unverified)."""

    not_found_has_category: bool = True
    """A 404 for a record carries OBJECT_NOT_FOUND (ref §3: documented; some captures lack it)."""

    shuffle_seed: int = 0
    """Fixes the order of batch results, which is never the order of the inputs (ref §4)."""

    refused_calls_count: bool = False
    """A call refused with 429 takes a slot of its window all the same (unverified)."""

    rate_limit_retry_after: Literal["absent", "seconds", "milliseconds"] = "absent"
    """Whether a 429 carries Retry-After, and its unit (ref §3: absent in recordings; §17.9)."""

    association_rate_headers: Literal["own", "app", "absent"] = "own"
    """Whose interval headers an association call gets: its pool's, the app's, none (unverified)."""

    v3_associations_have_the_pool: bool = True
    """v3 association calls count against the association pool too (ref §3 names v4 only)."""

    search_index_lag: float = 3.0
    """Seconds until search sees a write (ref §3: "a few moments")."""

    search_limits: tuple[int, int, int] = (5, 6, 18)
    """Filter groups, filters in a group and filters in all (ref §3: sources differ)."""

    search_not_equal_needs_value: bool = True
    """NEQ, NOT_IN and NOT_CONTAINS_TOKEN skip records without a value (unverified)."""

    updated_at_drifts: bool = True
    """updatedAt moves by itself 0.2 to 0.9 s after a create (ref §6, H)."""

    home_currency_comes_later: bool = False
    """hs_homecurrency_amount and hs_exchange_rate appear a moment after a write (ref §12).

    Recorded write answers have them at once (ref §1), so both are known.
    """

    foreign_stage_stays: bool = True
    """A pipeline changed alone leaves the record in a stage of the former one (unverified).

    Else the change is refused, as a stage of another pipeline is.
    """

    stages_in_use_are_kept: bool = False
    """Pipelines and stages that records are in cannot be deleted, whatever the query says.

    So from version 2026-09 on (ref §10); before, only validateReferencesBeforeDelete asks for it.
    """

    disabled_object_types: tuple[str, ...] = ()
    """Object types, by plural name, that the account has not switched on (ref §13, H)."""

    owners: tuple[str, ...] = ("olive@example.com",)
    """The e-mail addresses of the account's active owners (the owners guide)."""

    deactivated_owners: tuple[str, ...] = ("leo@example.com",)
    """The addresses of owners whose users left; lists have them with archived=true only."""

    deactivated_owners_may_own: bool = True
    """A record may be given to an owner whose user left (unverified)."""

    sources_have_labels: bool = False
    """A version in a property's history has the name of its source, as ``sourceLabel`` (ref §6, L).

    The specification has the field; no recording of an app or a person has it.
    """

    workflow_source: Literal["enrollment", "workflow"] = "enrollment"
    """What a history gives as the id of a workflow that set a value (ref §6, M: one account).

    ``enrollment``: that of the record's enrollment, from which nothing leads to the workflow.
    ``workflow``: the workflow's own.
    """

    account_type: Literal["STANDARD", "SANDBOX", "DEVELOPER_TEST", "APP_DEVELOPER"] = (
        "DEVELOPER_TEST"
    )
    """accountType of the account details (ref §3)."""

    account_time_zone: str = "UTC"
    """timeZone of the account details; its midnight starts a new daily quota (ref §3)."""

    company_currency: str = "USD"
    """The account's home currency (ref §3, §12)."""

    additional_currencies: tuple[str, ...] = ("EUR", "GBP")
    """Currencies enabled besides the home currency; any other is not an option (ref §12, M)."""
