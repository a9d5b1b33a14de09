"""Writes the tables of docs/reference/http-api.md from the OpenAPI contract.

python docs/http_api.py            writes them anew
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = ROOT / "django_chat_sessions" / "api" / "openapi.yaml"
EXAMPLES = ROOT / "tests" / "contract"
PAGE = ROOT / "docs" / "reference" / "http-api.md"
BEGIN = "<!-- begin: written by docs/http_api.py -->\n"
END = "<!-- end -->"
METHODS = ("get", "post", "patch", "delete")
SHOWN = {
    "sendMessage": "sent",
    "getCurrentSession": "current_expired",
    "listSessions": "history",
    "getUpdates": "updates_delta",
}
KINDS_OF_TEXT = {"Time": "time", "Scope": "text, up to 100 letters, digits and `:` `.` `_` `/` `-`"}


@lru_cache
def contract_as_written() -> dict[str, Any]:
    """Return the contract."""
    contract: dict[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    return contract


def page_with(tables: str) -> str:
    """Return the page with these tables in their place."""
    before, _begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables}\n{END}{after}"


def tables() -> str:
    """Return what the contract says, in Markdown."""
    contract = contract_as_written()
    parts = ["## Operations", overview(contract)]
    parts += [operation(contract, *found) for found in operations(contract)]
    parts.append("## Objects")
    for name, schema in contract["components"]["schemas"].items():
        if name not in KINDS_OF_TEXT:
            parts.append(f"### {name}\n\n{fields(schema)}")
    return "\n\n".join(parts) + "\n"


def operations(contract: dict[str, Any]) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Yield each request, with the parameters of its path, and what is said about it."""
    for path, item in contract["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item.get("parameters", []), item[method]


def overview(contract: dict[str, Any]) -> str:
    """Return one line for each operation."""
    rows = [
        f"| [`{request}`](#{described['operationId'].lower()}) | {described['summary']} |"
        for request, _parameters, described in operations(contract)
    ]
    return "\n".join(["| request | what it does |", "|---|---|", *rows])


def operation(
    contract: dict[str, Any], request: str, parameters: list[Any], described: dict[str, Any]
) -> str:
    """Return the section about one operation."""
    name = described["operationId"]
    parts = [f"### {name}", f"`{request}`", described["summary"]]
    if "description" in described:
        parts.append(described["description"].strip())
    parameters = [
        resolve(contract, parameter)
        for parameter in [*parameters, *described.get("parameters", [])]
    ]
    if parameters:
        rows = [
            f"| `{parameter['name']}` | {parameter['in']} "
            f"| {kind(parameter['schema'])}{default(parameter['schema'])} "
            f"| {parameter.get('description', '')} |"
            for parameter in parameters
        ]
        parts.append("\n".join(["| parameter | in | kind | |", "|---|---|---|---|", *rows]))
    if "requestBody" in described:
        parts.append(f"Body: {body_of(described['requestBody'])}")
    rows = []
    for status, response in described["responses"].items():
        answer = resolve(contract, response)
        text = " ".join(answer["description"].split())
        rows.append(f"| {status} | {body_of(answer)} | {text} |")
    parts.append("\n".join(["| status | body | |", "|---|---|---|", *rows]))
    if name in SHOWN:
        example = json.loads((EXAMPLES / f"{SHOWN[name]}.json").read_text(encoding="utf-8"))
        shown = json.dumps(example["body"], indent=2, ensure_ascii=False)
        parts.append(f"For example, {example['status']}:\n\n```json\n{shown}\n```")
    return "\n\n".join(parts)


def body_of(holder: dict[str, Any]) -> str:
    """Return the link to the object in a body."""
    for media_type, content in holder.get("content", {}).items():
        schema = content["schema"]
        return kind(schema) if "$ref" in schema else media_type
    return ""


def fields(schema: dict[str, Any]) -> str:
    """Return the fields of an object as a table."""
    required = schema.get("required", [])
    rows = [
        f"| `{name}` | {kind(value)}{'' if name in required else ', optional'} "
        f"| {' '.join(value.get('description', '').split())} |"
        for name, value in schema["properties"].items()
    ]
    return "\n".join(["| field | kind | |", "|---|---|---|", *rows])


def kind(schema: dict[str, Any]) -> str:
    """Return in words what a schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return KINDS_OF_TEXT.get(name) or f"[{name}](#{anchor(name)})"
    if "oneOf" in schema:
        return " or ".join(kind(choice) for choice in schema["oneOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" if value else '`""`' for value in schema["enum"])
    types: list[str] = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if types == ["array"]:
        return f"list of {kind(schema['items'])}"
    words = {"string": "text", "integer": "number", "boolean": "yes or no"}
    return " or ".join(words.get(name, name) for name in types) + limits(schema)


def anchor(name: str) -> str:
    """Return the anchor of an object, which stands after an operation that may be called alike."""
    every = operations(contract_as_written())
    called = {described["operationId"].lower() for _request, _parameters, described in every}
    return f"{name.lower()}-1" if name.lower() in called else name.lower()


def default(schema: dict[str, Any]) -> str:
    """Return what holds where nothing is given."""
    return f"; `{schema['default']}` when absent" if "default" in schema else ""


def limits(schema: dict[str, Any]) -> str:
    """Return the range of a number or the length of a text."""
    if "maximum" in schema:
        return f", {schema['minimum']} to {schema['maximum']}"
    if "maxLength" in schema:
        return f", up to {schema['maxLength']} characters"
    return ""


def resolve(contract: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference stands for."""
    while "$ref" in value:
        found: Any = contract
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


if __name__ == "__main__":
    PAGE.write_text(page_with(tables()), encoding="utf-8")
