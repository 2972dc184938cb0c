"""What nobody could confirm about HubSpot, as settings.

Each field is one uncertain fact, its default what the evidence suggests. A client that claims to be
correct should be correct under every setting.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Switches:
    """How the sandbox behaves where the reference is unsure, and what kind of account it plays."""

    archived_reserves_unique_value: bool = False
    """An archived record keeps its unique values from others (ref §7, L: no evidence)."""

    unique_values_case_folded: bool = False
    """Two unique values that differ in case are the same (ref §7, L: unverified)."""

    unique_values_trimmed: bool = False
    """Two unique values that differ in outer white space are the same (ref §7, L: unverified)."""

    line_items_may_have_unique_properties: bool = True
    """Line items may have unique properties (ref §6, M: the specification does not differ)."""

    trace_ids_rescue_batch_update: bool = False
    """An invalid input of a batch update fails alone when all inputs carry an objectWriteTraceId.

    Documented for batch create only (ref §4; §17 question 1).
    """

    batch_read_follows_merges: bool = True
    """A batch read of a merged id answers with the record it became (ref §8, L: unverified).

    The documentation excludes batch *update* only.
    """

    create_associations: Literal["atomic", "lenient", "lost"] = "atomic"
    """What becomes of the associations of a create.

    ``atomic``: one that is invalid refuses the record. ``lenient``: it is left out and the record
    stays. ``lost``: none is made. Every recording seen is atomic; nothing documents it.
    """

    line_item_has_one_parent: bool = True
    """A line item with a deal, order, cart or quote is refused another (ref §8, H; error L)."""

    numbers_read_back: Literal["canonical", "as_sent"] = "canonical"
    """Reads show ``1200`` for a stored ``1200.00``; write answers always echo (ref §12; §17.6)."""

    cleared_reads_back: Literal["empty", "null"] = "empty"
    """A cleared property reads back as ``""`` or null (ref §12: both seen, ``""`` more often)."""

    line_item_external_id_is_dropped: bool = True
    """Line item hs_external_id is echoed by the write and then gone (ref §6, M: three attempts)."""

    unique_conflict_has_tokens: bool = False
    """A unique clash also carries errorType and errorTokens (ref §5: "sometimes")."""

    missing_scopes_shape: Literal["private_app", "oauth"] = "private_app"
    """Which of the two recorded 403 bodies a missing scope gets (ref §2)."""

    association_write_needs: Literal["both", "from"] = "both"
    """Whether associating needs write access to both object types or the first (unverified)."""

    not_found_has_category: bool = True
    """A 404 for a record carries OBJECT_NOT_FOUND (ref §3: documented; some captures lack it)."""

    shuffle_seed: int = 0
    """Fixes the order of batch results, which is never the order of the inputs (ref §4)."""

    account_type: Literal["STANDARD", "SANDBOX", "DEVELOPER_TEST", "APP_DEVELOPER"] = (
        "DEVELOPER_TEST"
    )
    """accountType of the account details (ref §3)."""

    company_currency: str = "USD"
    """The account's home currency (ref §3, §12)."""

    additional_currencies: tuple[str, ...] = ("EUR", "GBP")
    """Currencies enabled besides the home currency; any other is not an option (ref §12, M)."""
