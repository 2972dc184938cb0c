"""HubSpot's error bodies (ref §5), one function for each shape.

A handler raises what these return; its transaction is rolled back and the body sent.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

VALIDATION = "VALIDATION_ERROR"
NOT_FOUND = "OBJECT_NOT_FOUND"


class ApiError(Exception):
    """HubSpot answers with an error; ``correlationId`` is added when it is sent."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        category: str | None = None,
        sub_category: str | None = None,
        context: Mapping[str, list[str]] | None = None,
        errors: list[dict[str, Any]] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Take the parts, which a single answer and an item of a 207 arrange differently."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.sub_category = sub_category
        self.context = dict(context or {})
        self.errors = errors
        self.extra = dict(extra or {})
        self.headers: dict[str, str] = {}
        self.leaves_half = False
        """Whether the writes before the refusal stay."""

    def body(self, correlation_id: str) -> dict[str, Any]:
        """Return the body of a single answer, keys in HubSpot's order."""
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": correlation_id,
        }
        if self.context:
            body["context"] = self.context
        if self.errors:
            body["errors"] = self.errors
        if self.category:
            body["category"] = self.category
        if self.sub_category:
            body["subCategory"] = self.sub_category
        return body | self.extra

    def item(self, trace_id: str | None = None) -> dict[str, Any]:
        """Return one entry of a 207's ``errors``: its message holds everything (ref §5)."""
        context = dict(self.context)
        if trace_id is not None:
            context["objectWriteTraceId"] = [trace_id]
        item: dict[str, Any] = {"status": "error", "category": self.category or VALIDATION}
        if self.sub_category:
            item["subCategory"] = self.sub_category
        item["message"] = self.message
        if context:
            item["context"] = context
        return item


@dataclass(frozen=True)
class Problem:
    """Why one property value was refused."""

    name: str
    code: str
    message: str
    value: str | None = field(default=None)


class InvalidPropertiesError(ApiError):
    """One or more property values were refused: the message embeds the list as JSON (ref §5)."""

    def __init__(self, problems: Iterable[Problem], portal_id: int) -> None:
        """Report every problem twice, as HubSpot does: in the message and in ``errors``."""
        self.problems = tuple(problems)
        self.portal_id = portal_id
        listed = [
            {
                "isValid": False,
                "message": problem.message,
                "error": problem.code,
                "name": problem.name,
                "localizedErrorMessage": problem.message,
                **({} if problem.value is None else {"propertyValue": problem.value}),
                "portalId": portal_id,
            }
            for problem in self.problems
        ]
        text = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
        super().__init__(
            400,
            f"Property values were not valid: {text}",
            category=VALIDATION,
            errors=[
                {
                    "message": problem.message,
                    "code": problem.code,
                    "context": {"propertyName": [problem.name]},
                }
                for problem in self.problems
            ],
        )


def invalid(message: str, **context: list[str]) -> ApiError:
    """Return the error for a request whose content is invalid."""
    return ApiError(400, message, category=VALIDATION, context=context)


def invalid_json(reason: str, line: int = 1, column: int = 1) -> ApiError:
    """Return the error for a body that is not JSON of the right shape (wording from recordings)."""
    where = f"line {line}, column {column}"
    return ApiError(400, f"Invalid input JSON on {where}: {reason}", category=VALIDATION)


def fields_missing(*names: str) -> ApiError:
    """Return the error for a body that lacks required fields (wording from recordings)."""
    listed = ", ".join(names)
    return ApiError(
        400,
        f"Invalid input JSON on line 1, column 2. Some required fields were not set: [{listed}]",
        category=VALIDATION,
    )


def unknown_object_type(name: str) -> ApiError:
    """Return the error for an unknown object type, which has no category (ref §1, H)."""
    return ApiError(400, f"Unable to infer object type from: {name}")


def duplicate_ids(ids: Iterable[str]) -> ApiError:
    """Return the error for a batch that names a record twice (ref §5, H)."""
    listed = sorted(set(ids))
    text = ", ".join(listed)
    return invalid(f"Duplicate IDs found in batch input: [{text}]. IDs must be unique", ids=listed)


def too_many_inputs(limit: int, what: str = "") -> ApiError:
    """Return the error for a batch over the limit (ref §3, H; wording after activepieces#9359)."""
    return invalid(
        f"The maximum number of inputs supported in a batch request{what} is {limit}. "
        "Please reduce the number of items and try again"
    )


def not_unique_key(verb: str, type_id: str, name: str, portal_id: int) -> ApiError:
    """Return the error for an idProperty that is not unique (ref §5, H)."""
    return invalid(
        f"Unable to perform {verb} by non-unique {type_id} property {name} in portal ID {portal_id}"
    )


def some_not_found(legacy_name: str, ids: list[str]) -> ApiError:
    """Return the one error for all records that a batch could not find (ref §5, H)."""
    return ApiError(
        404,
        f"Could not get some {legacy_name} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        category=NOT_FOUND,
        context={"ids": ids},
    )
