"""The reference of the library: the faces `kb`, `ingest`, `encoder`, `encoder.audit`, and what they return."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import encoder
import ingest
import kb
from docs.generate.docstrings import Docstring
from docs.generate.markdown import code, table
from encoder import audit
from kb.curation.curator import Curator
from kb.knowledge_base import KnowledgeBase
from kb.vocabulary.vocabulary import Vocabulary

FACES = {"kb": kb, "ingest": ingest, "encoder": encoder, "encoder.audit": audit}
CLASSES = {"KnowledgeBase": KnowledgeBase, "base.vocabulary": Vocabulary, "base.curate": Curator}
OURS = ("kb", "ingest", "encoder", "schemas")
LONG = 100


def python_pages() -> dict[str, str]:
    """A page for each face, and one for the classes that they take and return."""
    made = {f"python/{name.rpartition('.')[2]}.md": "\n".join(_face(name, face)) for name, face in FACES.items()}
    return {**made, "python/results.md": "\n".join(_results())}


def face_functions(face: Any) -> dict[str, Any]:
    """The public functions of a face by their names."""
    found = {name: getattr(face, name) for name in face.__all__}
    return {name: one for name, one in found.items() if inspect.isfunction(one)}


def public_members(owner: type) -> dict[str, Any]:
    """The public methods and properties of a class with those it inherits from classes of ours, in their order."""
    found: dict[str, Any] = {}
    for one in owner.__mro__:
        if one.__module__.partition(".")[0] in OURS:
            for name, member in vars(one).items():
                if not name.startswith("_") and (callable(member) or isinstance(member, property | classmethod)):
                    found.setdefault(name, member)
    return found


def _face(name: str, face: Any) -> Iterator[str]:
    yield f"# {name}\n"
    about = Docstring.of(face).prose
    told, _, example = about.partition("\n\n")
    yield f"{told}\n"
    yield f"```python\n{example}\n```\n" if example else ""
    for called, function in face_functions(face).items():
        yield from _function(f"{name}.{called}", function)
    if face is kb:
        for called, owner in CLASSES.items():
            yield f"## {called}\n"
            yield Docstring.of(owner).markdown()
            for member_name, member in public_members(owner).items():
                yield from _member(called, member_name, member)
        yield "## Errors\n"
        errors = [one for one in vars(import_module("kb.errors")).values() if inspect.isclass(one)]
        yield table(("class", "raised if"), ((f"`{one.__name__}`", Docstring.of(one).prose) for one in errors))


def _function(name: str, function: Any) -> Iterator[str]:
    yield f"## {name}\n"
    yield _signature(name, function)
    yield Docstring.of(function).markdown()


def _member(owner: str, name: str, member: Any) -> Iterator[str]:
    yield f"### {owner}.{name}\n"
    if isinstance(member, property):
        yield f"```python\n{owner}.{name}: {inspect.signature(member.fget).return_annotation}\n```\n"  # type: ignore[arg-type]
        yield Docstring.of(member.fget).markdown()
    else:
        function = member.__func__ if isinstance(member, classmethod) else member
        yield _signature(f"{owner}.{name}", function)
        yield Docstring.of(function).markdown()


def _signature(name: str, function: Any) -> str:
    """The call as one writes it; a default that is a function of ours is shown as `...`."""
    signature = inspect.signature(function)
    kept = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    shown = str(signature.replace(parameters=kept)).replace("'", "")
    line = f"{name}{shown}"
    if len(line) > LONG:
        marked: list[str] = []
        for one in kept:
            if one.kind is one.KEYWORD_ONLY and "*" not in marked:
                marked.append("*")
            marked.append(str(one).replace("'", ""))
        gives = str(signature.return_annotation).replace("'", "")
        line = f"{name}(\n" + "".join(f"    {one},\n" for one in marked) + f") -> {gives}"
    line = re.sub(r"<function .*? at 0x[0-9a-f]+>", "...", line)
    return f"```python\n{line}\n```\n"


def result_classes() -> dict[str, type]:
    """The data classes that public functions name in their signatures, by name."""
    functions = [one for face in FACES.values() for one in face_functions(face).values()]
    for owner in CLASSES.values():
        for member in public_members(owner).values():
            functions.append(member.fget if isinstance(member, property) else getattr(member, "__func__", member))
    found: dict[str, type] = {}
    for function in functions:
        module = sys.modules[function.__module__]
        text = " ".join(str(annotation) for annotation in function.__annotations__.values())
        for name in re.findall(r"\b[A-Z]\w+\b", text):
            named = getattr(module, name, None)
            if inspect.isclass(named) and is_dataclass(named) and named.__module__.partition(".")[0] in OURS:
                found[name] = named
    return dict(sorted(found.items()))


def _results() -> Iterator[str]:
    yield "# What Python takes and returns\n"
    yield "The data classes that the signatures name. They show themselves as tables in a terminal and in a notebook.\n"
    for name, one in result_classes().items():
        yield f"## {name}\n"
        yield f"`{one.__module__}.{name}`\n"
        told = Docstring.of(one)
        about = told.items("Attributes")
        yield told.prose + "\n"
        rows = ((f"`{field.name}`", code(str(field.type)), about.get(field.name, "")) for field in fields(one))
        yield table(("field", "type", ""), rows)
        methods = {
            called: member
            for called, member in vars(one).items()
            if not called.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
        }
        if methods:
            rows = ((_called(called, member), _first_line(member)) for called, member in methods.items())
            yield table(("method", ""), rows)


def _called(name: str, member: Any) -> str:
    return f"`{name}`" if isinstance(member, property) else f"`{name}()`"


def _first_line(member: Any) -> str:
    return Docstring.of(member.fget if isinstance(member, property) else member).prose.partition("\n")[0]
