"""The reference names everything there is, and the versions agree."""

from __future__ import annotations

import ast
import gzip
import importlib
import inspect
import json
import re
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands
from django.dispatch import Signal
from django.template import Library

import django_chat_sessions
from django_chat_sessions import (
    admin,
    adoption,
    conf,
    exceptions,
    policies,
    services,
    signals,
    testing,
)
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession
from tests.doc_pages import DOCS, ROOT, blocks, commands, pages, text_of

PACKAGE = Path(django_chat_sessions.__file__).parent
FRONTEND = ROOT / "frontend"
VERBS = [name for name in services.__all__ if not inspect.isclass(getattr(services, name))]
TWINS = [name for name in VERBS if name[0] == "a" and name[1:] in VERBS]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
IMPORT = re.compile(r'import \{([^}]+)\} from "(django-chat-sessions[^"]*)"')


def source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("key", conf.DEFAULTS)
def test_a_setting_is_described_with_its_default(key: str) -> None:
    page = text_of("reference/settings.md")
    section = page.partition(f"\n## {key}\n")[2].split("\n## ")[0]
    default = re.search(r"^Default: `(.+?)`", section.replace("\n", " ").strip())
    assert default
    assert ast.literal_eval(default[1]) == conf.DEFAULTS[key]
    assert f"[`{key}`]" in page


def test_no_setting_is_described_that_does_not_exist() -> None:
    described = re.findall(r"^## ([A-Z_]+)$", text_of("reference/settings.md"), re.MULTILINE)
    assert sorted(described) == sorted(conf.DEFAULTS)


def test_every_check_is_described_and_no_other() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "checks").glob("*.py"))
    exist = {*re.findall(r'id=f"\{ID\}\.([EW]\d+)"', code), "E009"}  # the model's own
    described = set(re.findall(r"^\| `([EW]\d+)`", text_of("reference/checks.md"), re.MULTILINE))
    assert exist == described


def test_every_line_of_the_log_is_described_and_no_other() -> None:
    page = text_of("reference/log.md")
    cells = re.findall(r"^\| (`.+?`) \| (?:error|warning|info)", page, re.MULTILINE)
    described = {line for cell in cells for line in re.findall("`([^`]+)`", cell)}
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    written = re.findall(r'(?:logger\.\w+|_reading)\(\s*"([^"]+)"', code)
    exist = {re.sub("%[sr]", "…", line) for line in written if not line.startswith("%s: %s")}
    beginnings = {line.rstrip("… :") for line in described}
    assert len(exist) > 20
    for line in exist:
        assert any(line.startswith(beginning) for beginning in beginnings), line
    for beginning in beginnings:
        assert any(line.startswith(beginning) for line in exist), beginning


def test_every_signal_is_described_and_no_other() -> None:
    exist = {name for name, value in vars(signals).items() if isinstance(value, Signal)}
    page = text_of("reference/signals.md")
    assert exist == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


@pytest.mark.parametrize("name", services.__all__)
def test_a_public_name_of_the_services_is_described(name: str) -> None:
    page = text_of("reference/services.md")
    assert (f"`{name}`" if name in TWINS else f":: {name}\n") in page


@pytest.mark.parametrize("name", [name for name in VERBS if name not in TWINS])
def test_the_docstring_of_a_verb_says_how_many_statements_it_spends(name: str) -> None:
    assert "statement" in (inspect.getdoc(getattr(services, name)) or "")


@pytest.mark.parametrize("name", testing.__all__)
def test_a_tool_for_tests_is_described(name: str) -> None:
    assert f":: {name}\n" in text_of("reference/testing.md")


def test_every_class_of_the_policies_is_described() -> None:
    page = text_of("reference/policies.md")
    for name, value in vars(policies).items():
        if inspect.isclass(value) and value.__module__ == policies.__name__:
            assert f":: {name}\n" in page


def test_what_adoption_the_admin_and_the_package_offer_is_described() -> None:
    for name in adoption.__all__:
        assert f":: {name}\n" in text_of("reference/adoption.md")
    for name in admin.__all__:
        assert name in text_of("reference/admin.md")
    for name in django_chat_sessions.__all__:
        assert name in text_of("reference/models.md")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_sentence_stands_twice_on_a_page(page: Path) -> None:
    """A merge may leave both versions."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    lines = [line for line in prose.splitlines() if len(line) > 60 and line[0].isalpha()]
    is_generated = page.name == "evidence.md"  # which says the same of each database
    assert is_generated or sorted(set(lines)) == sorted(lines)


def test_every_error_is_in_the_reference_and_in_the_overview() -> None:
    page = text_of("reference/services.md")
    for name, value in vars(exceptions).items():
        if inspect.isclass(value):
            assert name in (exceptions.__doc__ or "")
            assert f".. autoexception:: {name}\n" in page


@pytest.mark.parametrize("model", [AbstractChatSession, AbstractChatMessage])
def test_every_field_is_described(model: type[AbstractChatSession]) -> None:
    page = text_of("reference/models.md").partition(f"## {model.__name__}")[2].split("\n## ")[0]
    for field in model._meta.get_fields():
        assert f"`{field.name}`" in page


def test_every_template_tag_is_described_with_its_arguments() -> None:
    page = text_of("reference/template-tags.md")
    module = importlib.import_module("django_chat_sessions.templatetags.chat_sessions")
    library: Library = module.register
    for name in [*library.tags, *library.filters]:
        section = page.partition(f"\n## {name}\n")[2].split("\n## ")[0]
        assert section, name
        for argument in list(inspect.signature(getattr(module, name)).parameters)[1:]:
            assert argument in section or name in library.filters


def test_every_command_is_described_with_its_options() -> None:
    page = text_of("reference/commands.md")
    ours = [name for name, app in get_commands().items() if app == "django_chat_sessions"]
    assert ours
    for name in ours:
        assert f"\n## {name}\n" in page
        code = source(f"django_chat_sessions/management/commands/{name}.py")
        for option in re.findall(r'"(--[a-z-]+)"', code):
            assert f"`{option}" in page


@pytest.mark.parametrize("part", ["core", "react", "ui", "markdown", "words/de", "words/fr"])
def test_every_export_of_the_npm_package_is_described(part: str) -> None:
    page = text_of("reference/react.md")
    objects = yaml.safe_load(source("django_chat_sessions/api/openapi.yaml"))
    of_the_contract = objects["components"]["schemas"].keys()
    found = exports_of(part)
    assert found
    for name in found - of_the_contract:
        assert re.search(rf"\b{name}\b", page), name


def exports_of(part: str) -> set[str]:
    """Return the names that one import path of the npm package gives, types included."""
    entry = entry_of(part)
    names = re.findall(r"^export (?:const|interface|type|function) (\w+)", entry, re.M)
    for group in re.findall(r"export (?:type )?\{([^}]+)\}", entry):
        names += re.findall(r"\w+", group.replace("type ", ""))
    for module in re.findall(r'export type \* from "\./(\w+)\.js"', entry):
        names += exports_of(f"{part}/{module}")
    return set(names)


def test_the_core_is_described_and_nothing_that_does_not_exist() -> None:
    section = text_of("reference/react.md").partition("\n## Core\n")[2].partition("\n### ")[0]
    first_cells = re.findall(r"^\| (`.+?`) \|", section, re.M)
    named = {name for cell in first_cells for name in re.findall(r"`(\w+)", cell)}
    assert len(named) > 10
    assert named <= exports_of("core")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("PendingMessage", "core/chatState.ts"),
        ("ChatProblem", "core/chatState.ts"),
        ("Boundary", "core/transcript.ts"),
        ("ChatSnapshot", "core/snapshot.ts"),
        ("HistorySnapshot", "core/historySnapshot.ts"),
        ("ApiClientOptions", "core/apiClient.ts"),
        ("ChatStoreOptions", "core/chatStore.ts"),
        ("HistoryStoreOptions", "core/historyStore.ts"),
        ("ChatProviderProps", "react/ChatProvider.tsx"),
        ("ChatWidgetProps", "ui/ChatWidget.tsx"),
        ("HistoryListProps", "ui/HistoryList.tsx"),
    ],
)
def test_every_field_of_the_clients_objects_is_described(name: str, file: str) -> None:
    page = text_of("reference/react.md")
    body = source(f"frontend/src/{file}").partition(f"interface {name} {{")[2].partition("\n}")[0]
    fields = set(re.findall(r"^ {2}(\w+)\??:", body, re.M)) - {"children"}
    assert fields
    for field in fields:
        assert f"`{field}`" in page, field


def test_the_script_weighs_what_the_page_says() -> None:
    said = re.search(r"script has (\d+) kB", text_of("how-to/without-a-build-step.md"))
    script = PACKAGE / "static" / "django_chat_sessions" / "chat-sessions.js"
    assert said
    assert abs(len(gzip.compress(script.read_bytes(), 9)) / 1000 - int(said[1])) < 1


def test_every_code_of_the_client_is_described() -> None:
    page = text_of("reference/react.md")
    codes = source("frontend/src/core/errors.ts").partition("type ApiErrorCode =")[2]
    for code in re.findall(r'"(\w+)"', codes.partition(";")[0]):
        assert f"\n| `{code}` |" in page


def test_every_verb_status_and_colour_of_the_client_is_described() -> None:
    page = text_of("reference/react.md")
    verbs = source("frontend/src/react/useChat.ts").partition("Pick<")[2].partition(">")[0]
    snapshot = source("frontend/src/core/snapshot.ts")
    statuses = snapshot.partition("ChatStatus =")[2].partition(";")[0]
    fields = snapshot.partition("interface ChatSnapshot {")[2].partition("\n}")[0]
    names = re.findall(r'"(\w+)"', verbs + statuses) + re.findall(r"^ {2}(\w+):", fields, re.M)
    assert len(names) > 30
    for name in names:
        assert re.search(rf"`{name}[`(]", page), name
    for colour in set(re.findall(r"(--dcs-[a-z0-9-]+):", source("frontend/src/ui/ui.css"))):
        assert colour == "--dcs-row" or f"`{colour}`" in page, colour


def test_what_the_tutorial_quotes_is_what_the_chat_says() -> None:
    prose = re.sub(r"^```.*?^```$", "", text_of("tutorial/first-chat.md"), flags=re.M | re.S)
    quoted = re.findall(r'"([A-Z][^"]+)"', " ".join(prose.split()))
    assert len(quoted) >= 3
    for words in quoted:
        assert f'"{words}"' in source("frontend/src/ui/words.ts"), words


def test_snippets_import_what_the_npm_package_exports() -> None:
    found = 0
    for page in pages():
        for block in blocks(page):
            for names, module in IMPORT.findall(block.text):
                entry = entry_of(module.partition("/")[2] or "core")
                for name in names.split(","):
                    assert re.search(rf"\b{name.strip()}\b", entry), f"{block}: {name}"
                    found += 1
    assert found > 10


def entry_of(part: str) -> str:
    """Return the source behind one import path of the npm package."""
    endings = [".ts", "/index.ts", "/index.tsx"]
    paths = [FRONTEND / "src" / f"{part}{ending}" for ending in endings]
    return next(path for path in paths if path.exists()).read_text(encoding="utf-8")


def test_the_http_reference_is_what_the_contract_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    http_api = importlib.import_module("http_api")
    written = http_api.PAGE.read_text(encoding="utf-8")
    assert written == http_api.page_with(http_api.tables()), "run python docs/http_api.py"
    codes = yaml.safe_load(http_api.CONTRACT.read_text())["components"]["schemas"]
    for name in ("Error", "Conflict"):
        for code in codes[name]["properties"]["code"]["enum"]:
            assert f"| `{code}` |" in written
    sys.modules.pop("http_api")


def test_the_versions_agree() -> None:
    version = django_chat_sessions.__version__
    assert json.loads(source("frontend/package.json"))["version"] == version
    assert yaml.safe_load((PACKAGE / "api" / "openapi.yaml").read_text())["info"]["version"] == (
        version
    )
    assert f"django-chat-sessions-{version}.tgz" in text_of("how-to/connect-react.md")
    newest = re.search(r"^## \[(\d[^\]]*)\]", source("CHANGELOG.md"), re.MULTILINE)
    assert newest
    assert newest[1] == version


def test_the_supported_versions_agree() -> None:
    readme, declared = source("README.md"), source("pyproject.toml")
    pythons = re.findall(r"Python :: (3\.\d+)", declared)
    djangos = re.findall(r"Django :: (\d\.\d)", declared)
    assert f"Python {pythons[0]} to {pythons[-1]}" in readme
    for django in djangos:
        assert django in readme
    node = json.loads(source("frontend/package.json"))["engines"]["node"].removeprefix(">=")
    pages = ("how-to/connect-react.md", "reference/react.md")
    for page in (readme, source("frontend/README.md"), *map(text_of, pages)):
        assert re.search(rf"Node\s{re.escape(node)}\sor\snewer", page)


def test_the_readme_has_the_two_commands() -> None:
    page = ROOT / "README.md"
    typed = [
        command
        for block in blocks(page)
        if block.language == "console"
        for command, _shown in commands(block)
    ]
    assert [command for command in typed if "run.py" in command] == [
        "python3 run.py site",
        "python3 run.py test",
    ]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _hash, anchor = target.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        assert leads_to.exists(), target
        if anchor:
            assert anchor in anchors(leads_to), target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    # A heading that is there already gets a number, as MyST gives it.
    before = [slugs[:at].count(slug) for at, slug in enumerate(slugs)]
    return {f"{slug}-{n}" if n else slug for slug, n in zip(slugs, before, strict=True)}


def test_every_page_is_in_the_contents() -> None:
    contents = text_of("index.md")
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).with_suffix("").as_posix()
        assert name == "index" or f"\n{name}\n" in contents


def test_what_the_threat_model_says_holds_is_held_by_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text_of("explanation/threat-model.md"))
    assert len(named) > 20
    missing = [name for file, name in named if f"def {name}(" not in source(file)]
    assert missing == []
