"""The options that many commands share, each defined once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from kb.errors import UsageError
from kb.privacy.id_key import IdKey, read_key


class Format(StrEnum):
    """How data is printed."""

    table = "table"
    json = "json"
    csv = "csv"


class AssertionChoice(StrEnum):
    """What a concept says of its finding."""

    present = "present"
    absent = "absent"


class LateralityChoice(StrEnum):
    """The side of a concept."""

    left = "left"
    right = "right"
    bilateral = "bilateral"
    none = "none"


class StatusChoice(StrEnum):
    """What curation has made of a concept."""

    candidate = "candidate"
    accepted = "accepted"
    rejected = "rejected"
    retired = "retired"
    aside = "aside"


KbUri = Annotated[
    str,
    typer.Option("--kb", envvar="CLEAR_KB", metavar="URI", help="The knowledge base: a folder, or s3://bucket/path."),
]
HashIds = Annotated[
    Path | None,
    typer.Option(
        "--hash-ids",
        metavar="KEYFILE",
        help="Store keyed hashes of ids and file names, never these: see `clear-kb make-key`.",
    ),
]
StorageOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--storage-option",
        metavar="KEY=VALUE",
        help="Passed to the object store (aws_endpoint=..., region=...); repeatable. AWS_* variables work too.",
    ),
]
At = Annotated[
    str | None, typer.Option("--at", metavar="COMMIT|TAG|BRANCH", help="Read this state, not the newest of main.")
]
OnBranch = Annotated[
    str | None, typer.Option("--branch", metavar="NAME", help="Work on this draft (see `branch create`), not on main.")
]
OutputFormat = Annotated[Format, typer.Option("--format", help="How to print the data.")]
By = Annotated[
    str | None,
    typer.Option("--by", envvar="CLEAR_KB_AUTHOR", metavar="NAME", help="Who does this; default: the login name."),
]
Why = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="The reason, kept in the log.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen and write nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary: errors only.")]

_EMBEDDING = "Embedding"
Revision = Annotated[str | None, typer.Option(help="Commit or tag of a hub model.", rich_help_panel=_EMBEDDING)]
Dtype = Annotated[str | None, typer.Option(help="float32, bfloat16 or float16.", rich_help_panel=_EMBEDDING)]
Prompt = Annotated[
    str | None, typer.Option(help="Put before every concept; default: the model's own.", rich_help_panel=_EMBEDDING)
]
QueryPrompt = Annotated[
    str | None, typer.Option(help="Put before queries; default: the model's own.", rich_help_panel=_EMBEDDING)
]
Device = Annotated[
    str | None, typer.Option(help="cpu, cuda, cuda:1; default: the best there is.", rich_help_panel=_EMBEDDING)
]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts a forward pass.", rich_help_panel=_EMBEDDING)]

Store = Annotated[
    Literal["float32", "float16"] | None,
    typer.Option("--store", help="How vectors are stored; float16 halves the space, and status shows its recall."),
]

DEFAULT_KB = "clear.kb"


def parse_pairs(pairs: list[str] | None, flag: str) -> dict[str, str]:
    """KEY=VALUE arguments of a repeatable option as a dictionary; UsageError if one is not of that form."""
    parsed: dict[str, str] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key or not value:
            raise UsageError(f"{flag} {pair}: KEY=VALUE was expected")
        parsed[key] = value
    return parsed


def id_key(path: Path | None) -> IdKey | None:
    """The key that --hash-ids names; UsageError if the file holds none."""
    return None if path is None else read_key(path)
