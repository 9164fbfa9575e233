"""The vendor's error answers: one exception, one body shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson


class ApiError(Exception):
    """A refusal by the vendor. `status` is the HTTP code; the rest fills the error body."""

    def __init__(
        self,
        status: int,
        message: str,
        category: str = "VALIDATION_ERROR",
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        context: Mapping[str, Sequence[str]] | None = None,
        sub_category: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.errors = list(errors)
        self.context = dict(context or {})
        self.sub_category = sub_category
        self.extra = dict(extra or {})

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The body of a whole answer. Keys without content are left out, as the vendor does."""
        body: dict[str, Any] = {
            "status": "error",
            "message": self.message,
            "correlationId": correlation_id,
        }
        if self.category:
            body["category"] = self.category
        if self.sub_category:
            body["subCategory"] = self.sub_category
        if self.errors:
            body["errors"] = self.errors
        if self.context:
            body["context"] = self.context
        return body | self.extra

    def row(self, trace_id: str | None = None) -> dict[str, Any]:
        """One entry of a batch answer's `errors`."""
        context = dict(self.context)
        if trace_id is not None:
            context["objectWriteTraceId"] = [trace_id]
        row: dict[str, Any] = {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "errors": self.errors,
            "context": context,
            "links": {},
        }
        if self.sub_category:
            row["subCategory"] = self.sub_category
        return row


def bad_request(message: str, **context: Sequence[str]) -> ApiError:
    """A 400 about the request itself (not about property values)."""
    return ApiError(400, message, context=context)


def not_found(message: str = "resource not found") -> ApiError:
    """A 404 about one thing."""
    return ApiError(404, message, "OBJECT_NOT_FOUND")


def invalid_properties(problems: Sequence[Mapping[str, Any]]) -> ApiError:
    """A 400 about property values. The vendor hides the list as JSON inside the message."""
    hidden = orjson.dumps([{"isValid": False, **problem} for problem in problems]).decode()
    return ApiError(
        400,
        f"Property values were not valid: {hidden}",
        errors=[
            {
                "message": problem["message"],
                "code": problem["error"],
                "context": {"propertyName": [problem["name"]]},
            }
            for problem in problems
        ],
    )
