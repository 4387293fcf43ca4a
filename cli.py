"""The root command: mounts the groups, and turns what went wrong into one line and an exit code."""

from __future__ import annotations

import os
import re
import sys
import traceback

import typer

from encoder.audit.commands import attribution as audit_attribution
from encoder.audit.commands import confounders as audit_confounders
from encoder.audit.commands import export as audit_export
from encoder.audit.commands import group as audit
from encoder.audit.commands import queries as audit_queries
from encoder.audit.commands import report as audit_report
from encoder.audit.commands import shell as audit_shell
from encoder.audit.commands import slices as audit_slices
from encoder.audit.commands import sql as audit_sql
from encoder.commands import encode, evaluate, explain, import_checkpoint, predict, train
from encoder.commands import images as image_search
from ingest.commands import demo, images, labels, preview, reports
from kb.commands import base, branch, check, compare, curate, exchange, index, observations, review, suggest, vocab
from kb.errors import ClearKbError

DEBUG = "CLEAR_KB_DEBUG"
"""Set to 1, every error shows its traceback as well."""

LONGEST_MESSAGE = 300

INTERRUPTED = "interrupted: the knowledge base is as it was; the same command goes on from here (train: --resume)\n"

_RUST_LOCATION = re.compile(r"[, ]+(?:location: )?\S+\.rs:\d+(?::\d+)?")

app = typer.Typer(
    name="clear-kb",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A versioned concept knowledge base for auditable radiology: reports in, embedded concepts out.",
)
app.command("demo")(demo.demo_command)
app.command("init")(base.init_command)
app.command("status")(base.status_command)
app.command("log")(base.log_command)
app.command("tag")(base.tag_command)
app.command("embed")(base.embed_command)
app.command("train")(train.train_command)
app.command("import-checkpoint")(import_checkpoint.import_checkpoint_command)
app.command("encode")(encode.encode_command)
app.add_typer(predict.app, name="predict")
app.command("explain")(explain.explain_command)
app.add_typer(image_search.app, name="images")
app.command("evaluate")(evaluate.evaluate_command)
for _audit in (
    audit_sql,
    audit_queries,
    audit_shell,
    audit_attribution,
    audit_confounders,
    audit_slices,
    audit_report,
    audit_export,
):
    assert _audit.app is audit.app  # importing a part adds its commands to the one group of the audit
app.add_typer(audit.app, name="audit")
app.command("index")(index.index_command)
app.command("check")(check.check_command)
app.command("gc")(base.gc_command)
app.command("restore")(base.restore_command)
assert images.app is reports.app
assert labels.app is reports.app
assert preview.app is reports.app
app.add_typer(reports.app, name="ingest")
app.add_typer(observations.app, name="observations")
app.add_typer(branch.app, name="branch")
for _part in (curate, compare, suggest, review, exchange):
    assert _part.app is vocab.app  # importing a part adds its commands to the one group of the vocabulary
app.add_typer(vocab.app, name="vocab")


def main() -> None:
    """Run the command line: exit 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    try:
        app()
    except ClearKbError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # The reader (head, less) has seen enough; Python must not complain about it while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except SystemExit as ended:
        # typer turns Ctrl-C into this exit, without a word.
        if ended.code == 130:
            sys.stderr.write(INTERRUPTED)
        raise
    except KeyboardInterrupt:
        sys.stderr.write(INTERRUPTED)
        sys.exit(130)
    except BaseException as error:  # a panic in Rust is no Exception
        _fail(describe_unexpected(error), 1)


def describe_unexpected(error: BaseException) -> str:
    """One line on an error that nobody has foreseen: what went wrong, of what class, and how to see where."""
    if isinstance(error, OSError) and error.strerror:
        return _one_line(f"{error.filename or 'input/output'}: {error.strerror}")
    line = _RUST_LOCATION.sub("", _one_line("not enough memory" if isinstance(error, MemoryError) else str(error)))
    if len(line) > LONGEST_MESSAGE:
        line = line[:LONGEST_MESSAGE] + "..."
    named = f"{type(error).__name__}: {line}" if line else type(error).__name__
    return f"{named} (this was not foreseen: {DEBUG}=1 shows where it happened)"


def _fail(message: str, code: int) -> None:
    if os.environ.get(DEBUG, "0") not in ("", "0"):
        traceback.print_exc()
    told = _printable(message, keep="\n")
    sys.stderr.write(f"error: {told}\n")
    sys.exit(code)


def _one_line(text: str) -> str:
    return " ".join(_printable(text).split())


def _printable(text: str, keep: str = "") -> str:
    """`text` without what would move the cursor of a terminal or start another line."""
    return "".join(letter if letter.isprintable() or letter in keep else " " for letter in text)


if __name__ == "__main__":
    main()
