"""GitHub's OpenAPI description, from npm, and what it says of an answer."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs

PINS = Path(__file__).with_name("node")
INSTALL = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
UNDESCRIBED = {401, 403, 404, 422}
"""Statuses that every operation can have, whether or not its description lists them; from the page
"Troubleshooting the REST API"."""


def install(folder: Path) -> Path:
    """Install the pinned npm packages; return where they are."""
    assert shutil.which("npm"), "npm is not installed; this test does not skip"
    shutil.copytree(PINS, folder)
    subprocess.run(INSTALL, cwd=folder, check=True, capture_output=True, timeout=200)
    return folder / "node_modules" / "@octokit"


class Description:
    """The description, which validates answers."""

    def __init__(self, packages: Path) -> None:
        text = (packages / "openapi/generated/api.github.com.json").read_text(encoding="utf-8")
        self._document = json.loads(text)
        self._components = {"schemas": _as_json_schema(self._document["components"]["schemas"])}

    def problems(self, method: str, template: str, status: int, body: object) -> list[str]:
        """Return what is wrong with the answer of an operation; its path has names in braces."""
        operation = self._document["paths"][template][method.lower()]
        found = operation["responses"].get(str(status))
        if found is None:
            known = ", ".join(operation["responses"])
            if status not in UNDESCRIBED:
                return [f"{status} is not one of {known}"]
            schema: Any = {"$ref": "#/components/schemas/basic-error"}
        else:
            schema = self._schema(found)
        complete = {**_as_json_schema(schema), "components": self._components}
        checker = jsonschema_rs.Draft202012Validator(complete, validate_formats=True)
        return [
            f"{'/'.join(map(str, one.instance_path))}: {one.message[:300]}"
            for one in checker.iter_errors(body)
        ]

    def _schema(self, response: dict[str, Any]) -> Any:
        while "$ref" in response:
            _, kind, name = response["$ref"].removeprefix("#/").split("/")
            response = self._document["components"][kind][name]
        return response["content"]["application/json"]["schema"]


def _as_json_schema(schema: Any) -> Any:
    """Return a schema of OpenAPI 3.0 as JSON Schema: ``nullable`` is a type there."""
    if isinstance(schema, list):
        return [_as_json_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        name: _as_json_schema(value)
        for name, value in schema.items()
        if name not in ("nullable", "example", "examples")
    }
    if schema.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made
