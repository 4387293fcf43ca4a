"""The root command: mounts the groups, and turns what went wrong into one line and an exit code."""

from __future__ import annotations

import os
import sys

import typer

from encoder.commands import (
    audit,
    audit_attribution,
    audit_confounders,
    audit_export,
    audit_queries,
    audit_report,
    audit_shell,
    audit_slices,
    audit_sql,
    encode,
    evaluate,
    explain,
    import_checkpoint,
    predict,
    train,
)
from encoder.commands import images as image_search
from ingest.commands import demo, images, labels, preview, reports
from kb.commands import base, branch, check, compare, curate, exchange, index, observations, review, suggest, vocab
from kb.errors import ClearKbError

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
            sys.stderr.write(
                "interrupted: the knowledge base is as it was; the same command goes on from here (train: --resume)\n"
            )
        raise
    except OSError as error:
        _fail(f"{error.filename or 'input/output'}: {error.strerror or error}", 1)


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"error: {message}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
