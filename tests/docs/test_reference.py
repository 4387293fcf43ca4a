"""The committed reference is what the generator writes now, and the generator leaves nothing out."""

from __future__ import annotations

import inspect
from pkgutil import iter_modules

import pytest

import schemas.tables
from docs.generate.command_pages import all_commands, parameters
from docs.generate.docstrings import Docstring
from docs.generate.pages import REFERENCE, pages
from docs.generate.python_pages import CLASSES, FACES, face_functions, public_members
from kb.curation.curator import Curator
from kb.knowledge_base import KnowledgeBase
from kb.sql.queries import all_queries
from kb.sql.reference import functions, relations
from kb.vocabulary.vocabulary import Vocabulary

FUNCTIONS = {f"{face}.{name}": one for face, module in FACES.items() for name, one in face_functions(module).items()}
METHODS = {
    f"{owner.__name__}.{name}": getattr(member, "__func__", member)
    for owner in (KnowledgeBase, Vocabulary, Curator)
    for name, member in public_members(owner).items()
    if not isinstance(member, property)
}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_the_committed_pages_are_what_is_generated(made: dict[str, str]) -> None:
    committed = {
        path.relative_to(REFERENCE).as_posix(): path.read_text(encoding="utf-8") for path in REFERENCE.rglob("*.md")
    }
    stale = sorted(name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name))
    assert not stale, "run: python -m docs.generate"


def test_every_command_and_option_is_there(made: dict[str, str]) -> None:
    for name, page, entry in all_commands():
        text = made[f"commands/{page}.md"]
        assert f"## clear-kb {name}\n" in text
        section = text.partition(f"## clear-kb {name}\n")[2].partition("\n## ")[0]
        for parameter in parameters(name.split()[-1], entry):
            assert parameter.help, f"{name}: {parameter.name} has no help"
            for option in parameter.opts:
                shown = option if option.startswith("-") else parameter.metavar or parameter.name.upper()
                assert shown in section.replace("&#124;", "|"), f"{name}: {shown}"
        assert f"[`{name}`]" in made["commands/index.md"]


def test_every_table_view_macro_and_named_query_is_there(made: dict[str, str]) -> None:
    for table in schemas.tables.TABLES:
        section = made["tables.md"].partition(f"## {table.name}\n")[2].partition("\n## ")[0]
        assert all(f"| `{column}` |" in section for column in table.schema.names)
    for name in (*relations(), *all_queries()):
        assert f"### {name}\n" in made["sql.md"]
    for call, about in functions():
        assert f"| `{call}` |" in made["sql.md"] and about


def test_every_public_function_is_there(made: dict[str, str]) -> None:
    text = "\n".join(page for name, page in made.items() if name.startswith("python/"))
    assert len(FUNCTIONS) > 15
    assert all(f"## {name}\n" in text for name in FUNCTIONS)
    for called, owner in CLASSES.items():
        assert all(f"### {called}.{name}\n" in text for name in public_members(owner))


def test_no_module_has_the_name_of_a_function_of_its_face() -> None:
    """Python would put the module in the place of the function, once it is imported."""
    for face in FACES.values():
        modules = {found.name for found in iter_modules(face.__path__) if not found.ispkg}
        assert not modules & face_functions(face).keys()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_documents_every_parameter(name: str) -> None:
    documented = Docstring.of(FUNCTIONS[name])
    assert list(documented.items("Args")) == list(inspect.signature(FUNCTIONS[name]).parameters)
    assert all(documented.items("Args").values())


@pytest.mark.parametrize("name", METHODS)
def test_a_public_method_says_what_it_does_and_documents_all_of_several_parameters(name: str) -> None:
    documented = Docstring.of(METHODS[name])
    assert documented.prose
    if name.startswith("KnowledgeBase.") and METHODS[name].__qualname__.startswith("KnowledgeBase."):
        taken = [one for one in inspect.signature(METHODS[name]).parameters if one not in ("self", "cls")]
        assert list(documented.items("Args")) == taken
