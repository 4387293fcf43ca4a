"""The house plan: what stands at the top, and that imports run one way."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from cli import COMMANDS
from kb.commands.failures import FLAGS, HINTS
from kb.errors import Need
from tests.support.paths import ROOT

PACKAGES = ("schemas", "kb", "ingest", "encoder", "workbench")
MAY_IMPORT = {
    "schemas": set(),
    "kb": {"schemas"},
    "ingest": {"schemas", "kb"},
    "encoder": {"schemas", "kb"},
    "workbench": {"schemas", "kb", "encoder"},
}
NETWORKS = ("encoder/model/", "encoder/training/")
"""Networks are classes of torch: their modules need it when they are read, and are themselves read only when used."""

HEAVY = {
    "torch",
    "spacy",
    "scispacy",
    "sentence_transformers",
    "transformers",
    "lancedb",
    "lance",
    "duckdb",
    "openai",
    "ray",
}
MOST_LOOSE = 15
"""Modules that stand in a package and in no room of it."""

MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def test_the_top_level_is_the_house_plan() -> None:
    for name in (
        "pyproject.toml",
        "cli.py",
        "Makefile",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "CITATION.cff",
        "CONTRIBUTING.md",
        ".ci/run",
        "bench",
        *PACKAGES,
    ):
        assert (ROOT / name).exists(), f"{name} is missing"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    ours = imported(ast.parse(path.read_text(encoding="utf-8"))) & {*PACKAGES, "cli"}
    assert ours - {package} <= MAY_IMPORT[package]


@pytest.mark.parametrize("path", [ROOT / "cli.py", *MODULES], ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_are_imported_only_where_they_are_used(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = {"torch"} if str(path.relative_to(ROOT)).startswith(NETWORKS) else set()
    at_import = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)  # an `if TYPE_CHECKING:` block is not run
    ]
    assert not imported(ast.Module(at_import, [])) & (HEAVY - allowed)


def edges(tree: ast.AST, name: str) -> set[str]:
    """The modules of ours that a module imports: at its top, inside functions and for types alone."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for one in node.names:
                whole = f"{node.module}.{one.name}"
                found.add(whole if whole in NAMES else node.module)
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return (found & NAMES) - {name}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {module_name(path) for path in MODULES}


@pytest.mark.soak
def test_no_file_imports_itself_by_way_of_others() -> None:
    graph = {
        module_name(path): edges(ast.parse(path.read_text(encoding="utf-8")), module_name(path)) for path in MODULES
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_few_loose_modules(package: str) -> None:
    assert len(list((ROOT / package).glob("*.py"))) <= MOST_LOOSE


def test_the_facade_is_imported_by_nothing_in_kb_but_its_commands() -> None:
    for path in (ROOT / "kb").rglob("*.py"):
        if "commands" not in path.parts and path.name not in ("knowledge_base.py", "__init__.py"):
            assert "kb.knowledge_base" not in edges(ast.parse(path.read_text(encoding="utf-8")), module_name(path)), (
                path
            )


def test_the_table_of_commands_says_what_each_docstring_says() -> None:
    for name, (module, attribute, help_text) in commands(COMMANDS):
        command = getattr(import_module(module), attribute)
        assert inspect.getdoc(command).splitlines()[0] == help_text, name


def commands(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Every command of the table by its full name."""
    for name, entry in table.items():
        if len(entry) == 2:
            yield from commands(entry[1], f"{before}{name} ")
        else:
            yield f"{before}{name}", entry


SHOWS_COMMANDS = {
    "encoder/audit/page/page.py": "the mark by which a report of ours is known",
    "encoder/audit/report/provenance.py": "how a page is made again",
    "encoder/release/clip_tokenizer.py": "a command of pip",
    "kb/vocabulary/check.py": "the name of an operation in the log",
    "workbench/audit/typed_commands.py": "how a figure is made again",
}
"""Modules outside the commands whose texts hold a command or a flag on purpose, with why."""

TYPED = re.compile(rf"`clear-kb\b|\bclear-kb (?:{'|'.join(COMMANDS)})\b|(?<![^\s(`'\"=])--[a-z]")
"""A command of ours, or a flag, in a text."""


def texts(tree: ast.AST) -> list[str]:
    """The strings of a module, the parts of f-strings too, without its docstrings."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in said)
    return [node.value for node in constants if isinstance(node.value, str)]


def errors_made(tree: ast.AST, keyword: str) -> set[str]:
    """What `keyword` is said to be, word for word, where an error is made."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"))
    said = (given.value for call in calls for given in call.keywords if given.arg == keyword)
    values = (node.value for value in said for node in ast.walk(value) if isinstance(node, ast.Constant))
    return {value for value in values if isinstance(value, str)}


OUTSIDE = [path for path in MODULES if "commands" not in path.relative_to(ROOT).parts]


def test_the_library_speaks_of_no_command_and_no_flag() -> None:
    found = {
        str(path.relative_to(ROOT)): shown
        for path in OUTSIDE
        if (shown := [text for text in texts(ast.parse(path.read_text(encoding="utf-8"))) if TYPED.search(text)])
    }
    assert {name: shown for name, shown in found.items() if name not in SHOWS_COMMANDS} == {}
    assert found.keys() == SHOWS_COMMANDS.keys(), "a module that shows none any more is no exception"


def test_the_command_line_knows_what_to_type_for_every_parameter_and_need() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in MODULES]
    assert set().union(*(errors_made(tree, "parameter") for tree in trees)) == set(FLAGS)
    assert set(HINTS) == set(get_args(Need))


def rooms() -> list[Path]:
    """The folders of the packages that hold modules or data, each as a path under the root."""
    found = (one for package in PACKAGES for one in (ROOT / package).iterdir() if one.is_dir())
    return sorted(one.relative_to(ROOT) for one in found if one.name != "__pycache__" and any(one.glob("*.*")))


def test_contributing_shows_every_room() -> None:
    tree = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## The rooms")[2].partition("\n## ")[0]
    packages: dict[str, str] = {}
    name = ""
    for line in tree.splitlines():
        if line.startswith("    ") and line[4:5].strip():
            name = line.split()[0].rstrip("/")
        packages[name] = packages.get(name, "") + line + "\n"
    for room in rooms():
        assert f"      {room.name}/" in packages[room.parts[0]], f"{room} is not in CONTRIBUTING.md"


def test_tests_stand_in_the_rooms_of_what_they_test() -> None:
    folders = {one.parent for one in (ROOT / "tests").rglob("test_*.py")}
    for folder in folders - {ROOT / "tests"}:
        assert (ROOT / folder.relative_to(ROOT / "tests")).is_dir(), f"{folder} has no counterpart"


def test_no_test_module_imports_from_another() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tests":
                assert (node.module or "").startswith("tests.support"), f"{path}: from {node.module} import ..."


READERS = {
    "json": "kb/reading/json_text.py",
    "ijson": "kb/reading/json_stream.py",
    "yaml": "kb/reading/yaml_text.py",
    "defusedxml": "kb/reading/xml_text.py",
    "parquet": "kb/reading/parquet_file.py",
    "csv": "kb/reading/spreadsheet.py",
    "tensors": "kb/reading/tensor_file.py",
}
"""The one reader of each format: what comes from outside is read there, within bounds."""

READS = {
    "json.load": "json",
    "json.loads": "json",
    "ijson.items": "ijson",
    "ijson.kvitems": "ijson",
    "ijson.parse": "ijson",
    "yaml.load": "yaml",
    "yaml.safe_load": "yaml",
    "yaml.compose": "yaml",
    "fromstring": "defusedxml",
    "iterparse": "defusedxml",
    "pq.ParquetFile": "parquet",
    "pq.read_table": "parquet",
    "csv.reader": "csv",
    "csv.DictReader": "csv",
    "torch.load": "tensors",
}
"""What reads a format, as it is called."""

OWN = {
    "encoder/audit/page/charts/inline.py": "the figures that matplotlib has drawn",
    "encoder/evaluation/evaluate.py": "parameters of a run, a stored column",
    "encoder/prediction/judged.py": "parameters of a run, a stored column",
    "encoder/prediction/runs.py": "parameters of a run, a stored column",
    "encoder/prediction/saved_interventions.py": "parameters of a run, a stored column",
    "encoder/training/state.py": "a value written and read again, to compare it as it will be read",
    "encoder/training/tracking/steps_file.py": "the steps that a training has written",
    "encoder/vectors/encoders.py": "a stored column",
    "ingest/commands/demo.py": "what a command of ours printed",
    "ingest/labels/predictions.py": "parameters of a run, a stored column",
    "ingest/reports/journal.py": "rows of the journal",
    "ingest/sources/csv_records.py": "reports of tables, where a broken line costs itself alone",
    "ingest/sources/exports/fhir_references.py": "rows of a table in memory",
    "ingest/sources/sound_rows.py": "tables as long as nothing is wrong with them",
    "ingest/vectors/ingest.py": "a stored column",
    "kb/curation/change.py": "stored columns",
    "kb/curation/disputes.py": "stored columns",
    "kb/exchange/sssom.py": "a table below comments, of lines that are in memory",
    "kb/privacy/exports.py": "the log of exports that this program writes",
    "kb/frames.py": "what two processes of ours say to each other",
    "kb/sql/operating_points.py": "parameters of a run, a stored column",
    "kb/sql/sandbox.py": "what DuckDB makes of a statement",
    "kb/sql/without_ids.py": "parameters of a run, a stored column",
    "kb/store/commits.py": "a stored column",
    "kb/store/dropping.py": "what a clean-up of this program has noted",
    "kb/store/safety/second_log.py": "the second log of commits that this program writes",
    "kb/store/safety/tag_marks.py": "the marks that Lance keeps of its tags",
    "kb/store/storage.py": "what Lance says of a file that it has written",
    "kb/vectors/vector_index.py": "a stored column",
    "workbench/audit/kept.py": "audits that the workbench keeps: one that cannot be read is made anew",
}
"""Modules that read what this program has written itself, or a format in a way of their own, with what it is."""


def test_what_comes_from_outside_is_read_by_one_reader_of_each_format() -> None:
    met: set[str] = set()
    for path in MODULES:
        name = str(path.relative_to(ROOT))
        called = {ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)}
        for call in called & READS.keys():
            met.add(name)
            assert name == READERS[READS[call]] or name in OWN, f"{name} calls {call}: {READERS[READS[call]]} reads it"
    assert OWN.keys() <= met, "a module that reads nothing of its own any more is no exception"
