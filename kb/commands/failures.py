"""What went wrong, as one line on standard error and an exit code, with what to type about it."""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping

from kb.errors import ClearKbError, Need
from kb.store.damage_in_words import damage_in_words, no_room_in_words, refusal_in_words
from kb.visible import visible

DEBUG = "CLEAR_KB_DEBUG"
"""Set to 1, every error shows its traceback as well, as with -vv."""

LONGEST_MESSAGE = 300
LONGEST_TOLD = 3_000
"""Letters of a message of ours: what a file holds may stand in it, and be of any length."""

HINTS: Mapping[Need, str] = {
    "branch": "see `clear-kb branch list`",
    "check": "`clear-kb check` lists them all",
    "checkpoint": "`clear-kb train` makes one",
    "commit": "see `clear-kb log`",
    "concept id": "see `clear-kb vocab search`",
    "creation": "`clear-kb init`",
    "embedder": "`clear-kb vocab embedder NAME` says which, and `clear-kb vocab search --words` needs none",
    "embeddings": "`clear-kb embed` computes the vectors",
    "image vectors": "`clear-kb encode` computes them, `clear-kb ingest vectors` brings those of another model in",
    "id key": "`clear-kb make-key FILE` makes one",
    "images": "`clear-kb ingest images SRC` brings them in",
    "join": "--map WHAT=COLUMN names a column, --allow-unjoined stores them all the same",
    "knowledge base": "`clear-kb ingest reports SRC` makes one, or name another with --kb",
    "labels": "`clear-kb ingest labels FILE` brings them in",
    "migration": "`clear-kb migrate`",
    "other embedder": "`clear-kb embed --model NAME`",
    "patch": "`clear-kb vocab diff A B --format json` makes one",
    "pixels": "`clear-kb ingest images ... --size SIZE --fit FIT --resample FILTER`",
    "predictions": "`clear-kb ingest predictions FILE --run NAME` brings them in, or `clear-kb predict`",
    "ray": "pip install 'clear-kb[ray]'",
    "repair": "`clear-kb repair --dry-run` says what can be done",
    "report texts": "`clear-kb ingest reports` without --no-store-text keeps them",
    "reports of images": "`clear-kb ingest images --map study=COLUMN`, `clear-kb ingest reports`",
    "revert": "`clear-kb vocab revert` undoes that",
    "run": "`clear-kb predict zero-shot` makes one",
    "storage check": "`clear-kb check --storage` says what is damaged, `clear-kb restore-from` brings a backup back",
    "stored type": "`clear-kb embed --store TYPE` changes all",
    "views": "`clear-kb audit sql --schema` tells their columns",
}
"""What to type, by what an error needs: the library does not know that there is a command line."""

FLAGS: Mapping[str, str] = {
    "address": "--engine-address HOST:PORT",
    "by": "--by NAME",
    "columns.id": "--map id=COLUMN",
    "columns.image": "--map image=COLUMN",
    "columns.text": "--map text=COLUMN",
    "columns.vector": "--map vector=COLUMN",
    "consensus": "--consensus majority|any|all|first",
    "date": "--date ATTRIBUTE",
    "dialect": "--llm-dialect auto|openai|vllm|ollama",
    "embedder": "--embedder NAME",
    "engine": "--engine local|ray",
    "encoder": "--encoder FOLDER|ID",
    "hash_ids": "--hash-ids KEYFILE",
    "ids": "--ids FILE",
    "label": "--label NAME",
    "labels": "--label NAME",
    "memory": "--memory SIZE",
    "merges": "--merges PATH",
    "model": "--model NAME",
    "overwrite": "--overwrite",
    "period": "--by week, --least ROWS",
    "patient": "--patient ID",
    "patches": "--patches",
    "precision": "--precision PRECISION, or --again, which replaces all",
    "prefix": "--prefix PREFIX=IRI",
    "readers": "--readers COLUMN",
    "replace": "--replace, or another --run",
    "replace.vectors": "--replace, or another --encoder",
    "port": "--port NUMBER",
    "resume": "--resume",
    "run": "--run NAME",
    "since": "--since TAG",
    "slices": "--slices N",
    "source": "--source NAME",
    "source_format": "--source-format NAME",
    "space": "--space llm|encoder",
    "split": "--split NAME",
    "tensor": "--no-vectors, or --embedder NAME",
    "terminology": "--terminology PREFIX",
    "threshold": "--threshold NUMBER",
    "timeout_s": "--timeout SECONDS",
    "token_file": "--token-file FILE",
    "uri": "--kb FOLDER",
    "vectors": "--no-vectors",
    "views": "--views all",
    "wanted": "--labels A,B",
    "weights": "--weights each|finding",
    "why": "--why TEXT",
}
"""What to say, by the parameter that would settle an error."""

_RUST_LOCATION = re.compile(r"[, ]+(?:location: )?\S+\.rs:\d+(?::\d+)?")


def tell_failure(error: BaseException) -> int:
    """Write one line about an error to standard error, after its traceback if that is asked for; the exit code."""
    if os.environ.get(DEBUG, "0") not in ("", "0") or logging.getLogger("clear_kb").isEnabledFor(logging.DEBUG):
        sys.stderr.write(visible("".join(traceback.format_exception(error))))
    sys.stderr.write(f"error: {visible(describe(error))}\n")
    return exit_code(error)


def was_interrupted(error: BaseException) -> bool:
    """Whether a library tells of Ctrl-C as an error of its own: it came while it called back."""
    return "KeyboardInterrupt" in str(error) and not isinstance(error, ClearKbError)


def exit_code(error: BaseException) -> int:
    """What the command line exits with after an error: 2 for wrong usage, else 1."""
    return error.exit_code if isinstance(error, ClearKbError) else 1


def describe(error: BaseException) -> str:
    """What a person reads of an error: its message and what to type, or what class of error nobody foresaw."""
    if isinstance(error, ClearKbError):
        flag = f" (say {FLAGS[error.parameter]})" if error.parameter is not None else ""
        hint = f": {HINTS[error.need]}" if error.need is not None else ""
        said = str(error)
        said = said if len(said) <= LONGEST_TOLD else f"{said[:LONGEST_TOLD]}..."
        return f"{said}{flag}{hint}"
    if isinstance(error, OSError) and error.strerror:
        # Of a copy both files are named: it is the new one that there is no room or no leave for.
        written = error.filename2 if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS) else None
        return _one_line(f"{written or error.filename or 'input/output'}: {error.strerror}")
    if (told := no_room_in_words(str(error)) or refusal_in_words(str(error))) is not None:
        return told
    if (told := damage_in_words(str(error))) is not None:
        return f"{told}: {HINTS['storage check']}"
    line = _RUST_LOCATION.sub("", _one_line("not enough memory" if isinstance(error, MemoryError) else str(error)))
    if len(line) > LONGEST_MESSAGE:
        line = line[:LONGEST_MESSAGE] + "..."
    named = f"{type(error).__name__}: {line}" if line else type(error).__name__
    return f"{named} (this was not foreseen: -vv or {DEBUG}=1 shows where it happened)"


def _one_line(text: str) -> str:
    return " ".join(text.split())
