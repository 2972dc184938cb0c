"""What a write may contain: every property sent is checked, all problems reported (ref §5, §12)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconcile.sandbox.api_errors import InvalidPropertiesError, Problem
from reconcile.sandbox.object_types import CONTACT, LINE_ITEM, ObjectType
from reconcile.sandbox.rules.account_owners import owners
from reconcile.sandbox.rules.api_call import Call, text_of
from reconcile.sandbox.rules.line_item_currency import line_item_currency
from reconcile.sandbox.rules.property_values import (
    BadValueError,
    append_to_set,
    canonical_number,
    email,
    normalise,
)
from reconcile.sandbox.storage import pipeline_tables
from reconcile.sandbox.storage.property_table import Definition

_CURRENCIES = {"hs_currency_code", "deal_currency_code", "hs_currency"}


@dataclass(frozen=True)
class Checked:
    """Valid values: as they are stored, and as the answer echoes them."""

    stored: dict[str, str] = field(default_factory=dict)
    echo: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """The properties sent for one record, and those it has."""

    call: Call
    kind: ObjectType
    sent: Mapping[str, Any]
    existing: Mapping[str, str]

    def check(self) -> Checked:
        """Check every value. Raise InvalidPropertiesError with all the problems found."""
        definitions = self.call.definitions(self.kind.id)
        checked = Checked()
        problems: list[Problem] = []
        for name, raw in self.sent.items():
            definition = definitions.get(name)
            if definition is None:
                message = f'Property "{name}" does not exist'
                problems.append(Problem(name, "PROPERTY_DOESNT_EXIST", message))
            elif raw is not None:  # null is accepted, and does not clear (ref §12, H)
                problem = self._check_one(definition, text_of(raw), checked)
                if problem is not None:
                    problems.append(problem)
        if problem := self._foreign_stage():
            problems.append(problem)
        if problems:
            raise InvalidPropertiesError(problems, self.call.portal_id)
        return checked

    def _check_one(self, definition: Definition, text: str, checked: Checked) -> Problem | None:
        name = definition.name
        if definition.read_only:
            sort = "calculated" if definition.calculated else "read only"
            message = f'"{name}" is a {sort} property; its value cannot be set.'
            return Problem(name, "READ_ONLY_VALUE", message, text)
        try:
            value = self._normalise(definition, text)
        except BadValueError as error:
            return Problem(name, error.code, str(error), text)
        if self.kind is LINE_ITEM and name == "price" and value.startswith("-") and float(value):
            # The guide forbids it (ref §18, H); code and wording are a guess.
            message = f"{text} is not a valid price: it cannot be negative."
            return Problem(name, "INVALID_NUMBER", message, text)
        is_number = definition.type == "number"
        checked.echo[name] = text if is_number else value
        kept = self.call.stored_as.get(name, value)
        if kept is not None and not self._is_dropped(name):
            value = kept
            canonical = is_number and value and self.call.switches.numbers_read_back == "canonical"
            checked.stored[name] = canonical_number(value) if canonical else value
        return None

    def _foreign_stage(self) -> Problem | None:
        """Return the problem of a new pipeline without the record's stage; a switch allows it."""
        if self.call.switches.foreign_stage_stays or self.sent.get("hs_pipeline_stage") is not None:
            return None
        pipeline, stage = self.sent.get("hs_pipeline"), self.existing.get("hs_pipeline_stage")
        if not (isinstance(pipeline, str) and pipeline and stage):
            return None
        if stage in pipeline_tables.stage_ids(self.call.connection, self.kind.id, pipeline):
            return None
        message = f"{stage} is not a stage of the pipeline {pipeline}"
        return Problem("hs_pipeline_stage", "INVALID_OPTION", message, stage)

    def _normalise(self, definition: Definition, text: str) -> str:
        """Normalise one value; empty text clears, whatever the type."""
        if not text:
            return ""
        if self.kind is CONTACT and definition.name == "email":
            return email(text)
        if self.kind is LINE_ITEM and definition.name == "hs_line_item_currency_code":
            return line_item_currency(text, self._currencies())
        if definition.is_set:
            text = append_to_set(self.existing.get(definition.name, ""), text)
        return normalise(definition, text, self._external_options(definition))

    def _external_options(self, definition: Definition) -> Collection[str] | None:
        """Return the options that a property keeps elsewhere, or None (ref §9, §10, §12)."""
        connection, name = self.call.connection, definition.name
        if name == "hs_pipeline":
            return pipeline_tables.pipeline_ids(connection, self.kind.id)
        if name == "hs_pipeline_stage":
            pipeline = self.sent.get("hs_pipeline") or self.existing.get("hs_pipeline") or None
            chosen = pipeline if isinstance(pipeline, str) else None
            return pipeline_tables.stage_ids(connection, self.kind.id, chosen)
        if name in _CURRENCIES:
            return self._currencies()
        if definition.names_owner:
            return {
                owner["id"]
                for owner in owners(self.call)
                if self.call.switches.deactivated_owners_may_own or not owner["archived"]
            }
        return None

    def _currencies(self) -> frozenset[str]:
        """Return the currencies that the account has switched on (ref §12, M)."""
        switches = self.call.switches
        return frozenset({switches.company_currency, *switches.additional_currencies})

    def _is_dropped(self, name: str) -> bool:
        """Return whether HubSpot accepts a value and then drops it (ref §6, M)."""
        return (
            self.kind is LINE_ITEM
            and name == "hs_external_id"
            and self.call.switches.line_item_external_id_is_dropped
        )
