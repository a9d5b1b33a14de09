"""The rules that keep the package readable, held by reading its source.

Every rule is tried on a planted violation first, so that it cannot pass by seeing nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import django_chat_sessions

PACKAGE = "django_chat_sessions"
ROOT = Path(django_chat_sessions.__file__).parent
RINGS = (
    {"conf", "exceptions", "clock", "ids", "addresses"},
    {"policies", "limits", "owners", "signals", "authentication", "rest_framework"},
    {"querysets", "models"},
    {"services"},
    {"api", "templatetags", "management", "middleware", "admin", "login"},
)
RANK = {name: rank for rank, ring in enumerate(RINGS) for name in ring}
# Nobody but Django and hosts import these.
LEAVES = {"apps", "urls", "checks", "default_models", "contrib", "adoption", "testing"}
MOST_LINES = 300
LONGEST_FUNCTION = 40
NAMELESS = {"utils", "helpers", "common", "base", "misc"}
WRITING = {
    *("save", "asave", "create", "acreate", "bulk_create", "abulk_create", "bulk_update"),
    *("abulk_update", "get_or_create", "aget_or_create", "update_or_create", "aupdate_or_create"),
    *("update", "aupdate", "delete", "adelete", "_raw_delete", "raw", "execute", "executemany"),
    *("send", "asend", "send_robust", "asend_robust"),
}
# `services.delete(...)` is the verb; `hashed.update(...)` feeds a digest.
HARMLESS = {"services", "hashed"}

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(ROOT.rglob("*.py"))
    if "migrations" not in path.parts
}


def tree(name: str) -> ast.Module:
    """Return the parsed module."""
    return ast.parse(MODULES[name].read_text())


def first(name: str) -> str:
    """Return the part of a module's name that the rings speak of."""
    return name.split(".", maxsplit=1)[0]


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the code that runs: what only a type checker reads is left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue
        yield child
        yield from running(child)


def imported(module: ast.Module, *, late: bool = True) -> set[str]:
    """Return the modules of ours that this one imports; ``late`` ones, in functions, too."""
    found: set[str] = set()
    nodes = running(module) if late else iter(module.body)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == PACKAGE:
                found |= {alias.name for alias in node.names}
            elif node.module.startswith(f"{PACKAGE}."):
                found.add(node.module.removeprefix(f"{PACKAGE}."))
        if isinstance(node, ast.Import):
            found |= {
                alias.name.removeprefix(f"{PACKAGE}.")
                for alias in node.names
                if alias.name.startswith(f"{PACKAGE}.")
            }
    return {name for name in found if first(name) in RANK.keys() | LEAVES}


def relative_imports(module: ast.Module) -> list[int]:
    """Return the lines of imports that name no package, which ``imported`` does not see."""
    nodes = ast.walk(module)
    return [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level]


def wrong_directions(name: str, module: ast.Module) -> list[str]:
    """Return what a module imports although it may not."""
    own = first(name)
    wrong = []
    for other in {first(found) for found in imported(module)} - {own}:
        same_edge = RANK.get(own) == RANK.get(other) == len(RINGS) - 1
        upwards = own in RANK and RANK.get(other, len(RINGS)) > RANK[own]
        if own not in LEAVES and (other in LEAVES or upwards or same_edge):
            wrong.append(other)
    return wrong


def writes(module: ast.Module) -> list[str]:
    """Return the calls that write rows or send signals."""
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = getattr(node.func.value, "id", "")
            if node.func.attr in WRITING and owner not in HARMLESS:
                found.append(f"{owner}.{node.func.attr}")
    return found


def setting_reads(module: ast.Module) -> list[int]:
    """Return the lines where code names ``CHAT_SESSIONS`` as a setting."""
    lines = []
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and node.attr == "CHAT_SESSIONS":
            lines.append(node.lineno)
        if isinstance(node, ast.Constant) and node.value == "CHAT_SESSIONS":
            lines.append(node.lineno)
    return lines


def long_functions(module: ast.Module) -> list[str]:
    """Return the functions that are longer than they may be."""
    return [
        node.name
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]


def test_every_module_has_its_place() -> None:
    assert {first(name) for name in MODULES} - {"__init__"} <= RANK.keys() | LEAVES


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_its_own_ring_or_a_lower_one_and_edges_not_each_other(name: str) -> None:
    assert wrong_directions(name, tree(name)) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("policies", f"from {PACKAGE} import services"),
        ("models", f"from {PACKAGE}.services.turns import send"),
        ("conf", f"import {PACKAGE}.models"),
        ("api.views", f"from {PACKAGE}.middleware import SESSION_HEADER"),
        ("templatetags.chat_sessions", f"from {PACKAGE}.api import payloads"),
        ("services.turns", f"def late():\n    from {PACKAGE}.api import inputs"),
        ("services.turns", f"from {PACKAGE}.default_models.models import ChatSession"),
        ("models", f"from {PACKAGE} import checks"),
    ],
)
def test_a_wrong_import_would_be_found(name: str, source: str) -> None:
    assert wrong_directions(name, ast.parse(source))


@pytest.mark.parametrize("name", MODULES)
def test_imports_name_the_package(name: str) -> None:
    assert relative_imports(tree(name)) == []


@pytest.mark.parametrize("source", ["from . import services", "from .services import turns"])
def test_a_relative_import_would_be_found(source: str) -> None:
    assert relative_imports(ast.parse(source)) == [1]


def test_what_only_a_type_checker_reads_is_no_import() -> None:
    source = f"if TYPE_CHECKING:\n    from {PACKAGE}.services import Sent"
    assert wrong_directions("models", ast.parse(source)) == []


# A past for a host's tests has fields that no verb sets, and adoption writes the rows of a host's
# migrations, which are older than our models.
WRITERS = [name for name in MODULES if first(name) in ("services", "adoption")]
WRITERS += ["testing.factories"]


@pytest.mark.parametrize("name", [name for name in MODULES if name not in WRITERS])
def test_only_services_write_rows_and_send_signals(name: str) -> None:
    assert writes(tree(name)) == []


@pytest.mark.parametrize("source", ["session.save()", "rows.filter(a=1).update(b=2)", "s.send(x)"])
def test_a_write_would_be_found(source: str) -> None:
    assert writes(ast.parse(source))


@pytest.mark.parametrize("name", [name for name in MODULES if name != "conf"])
def test_only_conf_reads_the_setting(name: str) -> None:
    assert setting_reads(tree(name)) == []


@pytest.mark.parametrize("source", ["settings.CHAT_SESSIONS", "getattr(s, 'CHAT_SESSIONS', {})"])
def test_a_read_of_the_setting_would_be_found(source: str) -> None:
    assert setting_reads(ast.parse(source))


def dict_displays(name: str) -> list[int]:
    """Return the lines with ``{"name": value}``, aside from values put into a sentence with %."""
    nodes = list(ast.walk(tree(name)))
    put_in = [n.right for n in nodes if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mod)]
    return [n.lineno for n in nodes if isinstance(n, ast.Dict) and n.keys and n not in put_in]


@pytest.mark.parametrize("name", ["api.views", "api.endpoint"])
def test_only_payloads_write_wire_shapes(name: str) -> None:
    assert dict_displays(name) == []
    assert dict_displays("api.payloads")


@pytest.mark.parametrize(
    "name", [name for name in MODULES if first(name) == "api" and name != "api.errors"]
)
def test_only_errors_know_statuses_of_errors(name: str) -> None:
    numbers = {
        node.value
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Constant) and type(node.value) is int
    }
    assert not numbers & set(range(400, 600))


@pytest.mark.parametrize("name", MODULES)
def test_modules_and_functions_stay_short(name: str) -> None:
    assert len(MODULES[name].read_text().splitlines()) <= MOST_LINES
    assert long_functions(tree(name)) == []


def test_a_long_function_would_be_found() -> None:
    source = "def long():\n" + "    x = 1\n" * LONGEST_FUNCTION
    assert long_functions(ast.parse(source)) == ["long"]
    assert long_functions(ast.parse("def right():\n" + "    x = 1\n" * 39)) == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not {part for name in MODULES for part in name.split(".")} & NAMELESS


def test_model_utils_is_imported_in_one_module() -> None:
    users = {name for name, path in MODULES.items() if "model_utils" in path.read_text()}
    assert users == {"models"}


def test_frameworks_that_a_host_may_not_have_are_imported_late() -> None:
    optional = {"rest_framework", "celery", "redis", "psycopg", "django_tasks", "markdown_it"}
    for name in MODULES:
        if first(name) == "contrib":
            continue
        for node in tree(name).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                module = getattr(node, "module", "") or ""
                assert not [n for n in [*names, module] if n.split(".")[0] in optional], name


def test_no_annotation_has_a_name_that_a_column_of_the_hosts_may_have() -> None:
    """Django refuses one that conflicts with a field, and hosts have fields of their own."""
    named = [
        (path.name, keyword.arg)
        for path in sorted(ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in {"annotate", "alias", "values", "values_list"}
        for keyword in node.keywords
        if keyword.arg not in {None, "flat", "named", "_"}
    ]
    own = ("chat_", "stats_", "adopted_")
    assert [one for one in named if not str(one[1]).startswith(own)] == []
    assert len(named) >= 5
