"""The house plan: what stands at the top, and that imports run one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("schemas", "kb", "ingest", "encoder")
MAY_IMPORT = {
    "schemas": set(),
    "kb": {"schemas"},
    "ingest": {"schemas", "kb"},
    "encoder": {"schemas", "kb"},
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
}
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
