"""What a listing leaves out because it was put aside, said to the person at the terminal."""

from __future__ import annotations

from kb.commands.output import say
from kb.store.state import State


def say_aside(state: State, left: str, *, quiet: bool = False) -> None:
    """Say how many concepts are put aside, where there are any; `left` is what they are not: "listed", "written"."""
    aside = state.dataset("concepts").count_rows("status = 'aside'")
    if aside:
        concepts = "concept" if aside == 1 else "concepts"
        say(f"not {left}: {aside:,} {concepts} put aside as no well-formed observation (--status aside)", quiet=quiet)
