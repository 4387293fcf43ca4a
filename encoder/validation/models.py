"""Models: a run, or several runs of one model that differ in their seed and count as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kb.errors import UsageError


@dataclass(frozen=True, slots=True)
class Model:
    """What a row of a validation is of: its name, and its runs."""

    name: str
    runs: tuple[str, ...]


def models_of(runs: Sequence[str], seeds: Mapping[str, Sequence[str]]) -> list[Model]:
    """The models in the order of their naming: each run by itself, then those of several seeds.

    Raises:
        UsageError: a model of several seeds has fewer than two runs, or a run or name stands twice.
    """
    found = [Model(run, (run,)) for run in dict.fromkeys(runs)]
    for name, those in seeds.items():
        if len(set(those)) < 2:
            raise UsageError(f"seeds of '{name}': two runs or more were expected")
        found.append(Model(name, tuple(dict.fromkeys(those))))
    for what, entries in (
        ("run", [run for model in found for run in model.runs]),
        ("model", [model.name for model in found]),
    ):
        if twice := [name for at, name in enumerate(entries) if name in entries[:at]]:
            raise UsageError(f"the {what} '{twice[0]}' stands in the validation twice")
    return found
