"""The root command: a table of names, and next to nothing of ours is imported before one of them is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from kb.without_pandas import leave_pandas_alone

Entry = tuple[str, str, str]
"""The module of a command, its function there, and the first line of that function's docstring."""

Group = tuple[str, Mapping[str, Entry]]
"""What the help of a group says, and its commands."""

# fmt: off
COMMANDS: Mapping[str, Entry | Group] = {
    "demo": ("ingest.commands.demo", "demo_command",
        "Run the whole story on a synthetic study: offline, in some minutes on two cores, every command shown."),
    "init": ("kb.commands.init", "init_command",
        "Create an empty knowledge base; `ingest reports` creates one too."),
    "datasets": ("ingest.commands.datasets", "datasets_command",
        "List the data sets that are known by their files, or show what one is read by."),
    "ingest": ("Bring data in: data sets, reports, images, labels, predictions, vectors.", {
        "dataset": ("ingest.commands.datasets", "dataset_command",
            "Ingest a known data set as it was downloaded: reports, images, labels, readers and the official split."),
        "reports": ("ingest.commands.reports", "reports_command",
            "Mine reports into the vocabulary: observations, concepts and their embeddings, as one commit."),
        "preview": ("ingest.commands.preview", "preview_command",
            "Print reports with what is found in them, in place: + is present, - absent, ? uncertain. Nothing is stored."),
        "images": ("ingest.commands.images", "images_command",
            "Ingest radiographs: PNG and JPEG of 8 or 16 bits, DICOM; their pixels are kept once, as one commit."),
        "labels": ("ingest.commands.labels", "labels_command",
            "Ingest labels: a column a label, a row a label, or lists of them; readers, boxes and masks too."),
        "predictions": ("ingest.commands.labels", "predictions_command",
            "Ingest predictions of any model: a column a label, or rows of label and score, kept as one run."),
        "vectors": ("ingest.commands.vectors", "vectors_command",
            "Ingest vectors of images by any model, for confounders, slices, likeness and the page."),
    }),
    "status": ("kb.commands.status", "status_command",
        "Show what a knowledge base holds, or with --rejects what it could not take."),
    "vocab": ("The concepts: search, show, list, and curate them.", {
        "search": ("kb.commands.search", "search_command",
            "Find concepts by meaning and by words, with how near each is; what is not near is no hit."),
        "show": ("kb.commands.vocab", "show_command",
            "Show one concept: its facets, its counts, what stands above and below it, and the report sentences behind it."),
        "list": ("kb.commands.vocab", "list_command",
            "List concepts, most mentioned first."),
        "wordings": ("kb.commands.vocab", "wordings_command",
            "Show how differently reports word one concept: what normalisation brings together, the largest groups first."),
        "stats": ("kb.commands.vocab", "stats_command",
            "Count the concepts by assertion and status."),
        "add": ("kb.commands.curate", "add_command",
            "Add an accepted concept: what curators and trainings count on."),
        "accept": ("kb.commands.curate", "accept_command",
            "Accept concepts: they are right as they stand."),
        "reject": ("kb.commands.curate", "reject_command",
            "Reject concepts: they are no observations. Mined again, they stay rejected."),
        "rename": ("kb.commands.curate", "rename_command",
            "Give a concept another text. Its id stays; its finding, place and the rest are read from it, its vector too."),
        "keep": ("kb.commands.curate", "keep_command",
            "Leave concepts as they are, for good: no review of single concepts asks about them again."),
        "merge": ("kb.commands.merge", "merge_command",
            "Merge concepts that mean the same into one, which takes their mentions and the wordings that reports use."),
        "split": ("kb.commands.curate", "split_command",
            "Give some of a concept's mentions to another, by a rule that later mentions follow too, or by a list."),
        "retire": ("kb.commands.curate", "retire_command",
            "Retire concepts: they are not used any more; their history and evidence stay."),
        "synonym": ("kb.commands.curate", "synonym_command",
            "Add other names of a concept, take some away, or say that a wording is none."),
        "facet": ("kb.commands.curate", "facet_command",
            "Say what a concept is of: finding, place (anatomy), side (laterality), severity, descriptors; its id stays."),
        "distinct": ("kb.commands.curate", "distinct_command",
            "Say that concepts are not the same, for good: they are not suggested as duplicates again."),
        "map": ("kb.commands.curate", "map_command",
            "Map a concept to one of an outside terminology (`vocab link` finds many), or take such a mapping away."),
        "note": ("kb.commands.curate", "note_command",
            "Put a note on concepts."),
        "revert": ("kb.commands.curate", "revert_command",
            "Undo a change, by a new change: the history stays."),
        "changes": ("kb.commands.curate", "changes_command",
            "List the acts of curation, newest first: of all concepts, or of one (who did what to it, and why)."),
        "diff": ("kb.commands.compare", "diff_command",
            "Show how the vocabulary changed from A to B; as JSON it is a patch for `vocab apply`."),
        "apply": ("kb.commands.compare", "apply_command",
            "Apply a patch of `vocab diff --format json`, or lines of KGCL: all of it, or nothing where one does not fit."),
        "suggest": ("kb.commands.suggest", "suggest_command",
            "Suggest what to curate: duplicates, synonyms, outliers or rare concepts. `vocab review` walks through them."),
        "review": ("kb.commands.review", "review_command",
            "Review what there is to decide, in groups, with the keyboard: ? on the screen shows all keys."),
        "export": ("kb.commands.exchange", "export_command",
            "Write the vocabulary to a file: CSV, JSON lines, Parquet, SKOS (RDF), or its mappings as SSSOM."),
        "import": ("kb.commands.exchange", "import_command",
            "Take concepts (or SSSOM mappings) in from a file, as one commit; a knowledge base is made if there is none."),
        "embedder": ("kb.commands.embedder", "embedder_command",
            "Name the model that made the vectors which came from a file; nothing is computed anew, a few are checked."),
        "link": ("kb.commands.exchange", "link_command",
            "Link concepts to an outside terminology by their names; --dry-run only shows what would be linked."),
    }),
    "lexicon": ("The tables that sentences are read by.", {
        "check": ("kb.commands.lexicon", "lexicon_check_command",
            "Check the tables of cues and of the lexicon: exit 1 if two rows contradict each other."),
    }),
    "observations": ("The mentions in reports that concepts were mined from.", {
        "export": ("kb.commands.observations", "export_command",
            "Write every observation as a line of JSON (the fields are those of schemas/observation.schema.json)."),
        "compare": ("kb.commands.observations", "compare_command",
            "Compare two minings of the same reports: what both find, what each finds alone, by assertion and finding."),
        "disputed": ("kb.commands.disputes", "disputed_command",
            "List the statements that two extractors read differently (`ingest reports --second`), with both readings."),
        "decide": ("kb.commands.disputes", "decide_command",
            "Decide disputed statements: the reading that is kept becomes an observation, `none` drops the statement."),
        "review": ("kb.commands.disputes", "review_disputes_command",
            "Walk through the statements that two extractors read differently, with the keyboard."),
    }),
    "embed": ("kb.commands.embed", "embed_command",
        "Embed the concepts that have no vector yet; another model replaces all vectors, as a new commit."),
    "plan": ("kb.commands.plan", "plan_command",
        "Plan a large study: hours, storage and costs, from measured rates; the prices are yours, or examples."),
    "index": ("kb.commands.index", "index_command",
        "Build the vector index of the vocabulary; its recall against exact search is measured, and shown by `status`."),
    "train": ("encoder.commands.train", "train_command",
        "Train an image encoder on the images that have reports, against the vocabulary's concepts."),
    "import-checkpoint": ("encoder.commands.import_checkpoint", "import_checkpoint_command",
        "Import the published CLEAR encoder, DINOv2 and CLIP's text transformer; no code in the file is run."),
    "import-release": ("encoder.commands.import_release", "import_release_command",
        "Import the published CLEAR release: its encoder as a checkpoint, its bank so that every text of it counts."),
    "encode": ("encoder.commands.encode", "encode_command",
        "Encode the images that have no vector of this encoder yet; an interrupted run goes on where it stopped."),
    "predict": ("Predict labels of encoded images; every run can be explained.", {
        "zero-shot": ("encoder.commands.predict", "zero_shot_command",
            "Predict labels from sentences that say they hold, and that they do not; nothing is trained."),
        "probe": ("encoder.commands.predict", "probe_command",
            "Train a linear probe of each label on the training patients, and predict all images with it."),
        "bottleneck": ("encoder.commands.predict", "bottleneck_command",
            "Train a concept bottleneck of each label; with --set, show how its predictions change."),
    }),
    "explain": ("encoder.commands.explain", "explain_command",
        "Take a prediction apart by finding, beside the study's report; exactly by --concepts; or --all, and keep it."),
    "images": ("Find encoded images.", {
        "search": ("encoder.commands.images", "search_command",
            "Find the images nearest to a sentence, a concept, or another image."),
    }),
    "evaluate": ("encoder.commands.evaluate", "evaluate_command",
        "Score runs against the labels: AUROC, AUPRC, F1, MCC, calibration, with 95% intervals."),
    "validate": ("encoder.commands.validate", "validate_command",
        "Validate models at each site by itself: AUROC by label and as mean, with intervals and paired tests."),
    "audit": ("Ask why a model fails: SQL over predictions, concepts, confounders.", {
        "sql": ("encoder.audit.commands.sql", "sql_command",
            "Run one SELECT over the views: predictions, labels, outcomes, metrics, errors, concepts, observations, ..."),
        "queries": ("encoder.audit.commands.queries", "queries_command",
            "List the named queries: what each tells, and what it may be told."),
        "run": ("encoder.audit.commands.queries", "run_command",
            "Run a named query: calibration, subgroup_gaps, drift, label_noise, false_positives_by_concept, ..."),
        "shell": ("encoder.audit.commands.shell", "shell_command",
            "Ask in SQL, one query after another: history, completion, .tables, .schema, .queries, .run; .help tells of all."),
        "compare": ("encoder.audit.commands.compare", "compare_command",
            "Show runs side by side on one label: AUROC, ROC and precision-recall points, reliability, confusion."),
        "operating-points": ("encoder.audit.commands.operating_points", "operating_points_command",
            "Show where scores are cut, by what, and what that comes to; or give a run the thresholds it is used with."),
        "confounders": ("encoder.audit.commands.confounders", "confounders_command",
            "Name what a model leans on that is not the disease, the most harmful first, with the proof."),
        "segments": ("encoder.audit.commands.segments", "segments_command",
            "Judge every group of patients at one threshold, and name the segments in which the model does worse."),
        "slices": ("encoder.audit.commands.slices", "slices_command",
            "Cut the images into slices that look alike; show where the model does worse, and by which concepts they differ."),
        "drift": ("encoder.audit.commands.drift", "drift_command",
            "Show what changed over time, since when, and what it fits: other patients, other images, or a poorer ranking."),
        "directions": ("encoder.audit.commands.directions", "directions_command",
            "Fit concepts as directions of a model's vectors, and show how well each is told of patients left out."),
        "attribution": ("encoder.audit.commands.attribution", "attribution_command",
            "Take the mean logit of some images apart, or the difference of two such means: it sums up exactly."),
        "heatmaps": ("encoder.audit.commands.heatmaps", "heatmaps_command",
            "Show how often heat maps fall on the boxes that readers drew: pointing game and overlap, with intervals."),
        "report": ("encoder.audit.commands.report", "report_command",
            "Write one page on a run, HTML or PDF: metrics, threshold, calibration, groups, confounders, slices, errors."),
        "export": ("encoder.audit.commands.export", "export_command",
            "Write the views into a DuckDB file that DBeaver, notebooks and BI tools open; it holds a copy, not a link."),
    }),
    "serve": ("workbench.commands.serve", "serve_command",
        "Open the workbench in the browser: vocabulary, review, images, audit. Nothing leaves this machine."),
    "make-key": ("ingest.commands.id_keys", "make_key_command",
        "Make a key for --hash-ids: a file that only you can read."),
    "hash-id": ("ingest.commands.id_keys", "hash_id_command",
        "Say what ids are stored as under --hash-ids, for commands that are given one."),
    "forget": ("kb.commands.forget", "forget_command",
        "Take a patient out of every table, cache, tag and older commit, and prove it by searching the bytes."),
    "log": ("kb.commands.log", "log_command",
        "List the commits, newest first: what was done, by whom, when and why."),
    "tag": ("kb.commands.tag", "tag_command",
        "Name a commit for good (the newest, or --at), or list the tags. Tagged data is never cleaned up."),
    "restore": ("kb.commands.restore", "restore_command",
        "Make an earlier state the newest one, by a new commit: what came between stays in the log."),
    "branch": ("Drafts of the vocabulary: create, list, merge, delete.", {
        "create": ("kb.commands.branch", "create_command",
            "Begin a draft, at the newest commit or --at another; write on it with --branch, read it with --at."),
        "list": ("kb.commands.branch", "list_command",
            "List the drafts: how many commits each has that main has not."),
        "merge": ("kb.commands.branch", "merge_command",
            "Carry a draft over to main. Where both changed one thing nothing is done, and exit is 1: see --take."),
        "delete": ("kb.commands.branch", "delete_command",
            "End a draft: its name is free again, its commits stay in the log."),
    }),
    "check": ("kb.commands.check", "check_command",
        "Check the knowledge base by named rules, or with --storage its files; exit 1 if what matters is broken."),
    "repair": ("kb.commands.repair", "repair_command",
        "Repair what is damaged: go back to the newest whole state, rebuild what can be, say what is lost."),
    "backup": ("kb.commands.backup", "backup_command",
        "Copy the knowledge base, with its history, to DEST: only what is not there; in a folder all of it is compared."),
    "restore-from": ("kb.commands.backup", "restore_from_command",
        "Bring a backup back to where --kb names: a new place, or the same knowledge base at an earlier state."),
    "migrate": ("kb.commands.migrate", "migrate_command",
        "Bring a knowledge base of an older format up to the newest, as one commit; killed, it is taken up again."),
    "gc": ("kb.commands.gc", "gc_command",
        "Give back storage that no readable commit names: dead rows, what dead writers left, with --keep older commits."),
    "keep": ("kb.commands.keep", "keep_command",
        "Settle which commits stay readable, or say it; writers drop the data of others as they go."),
}
# fmt: on

INTERRUPTED = "interrupted: the knowledge base stands at its last commit (clear-kb log); the same command goes on (train: --resume)\n"
HELP = "A versioned concept knowledge base for auditable radiology: reports in, embedded concepts out."
SETTINGS: dict[str, Any] = {
    "no_args_is_help": True,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class Command(TyperCommand):
    """A command whose defaults are those of the settings, if there are some."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, after the settings have given their defaults."""
        if ctx.default_map:
            from kb.commands.settings import by_parameter

            command = ctx.command_path.removeprefix(f"{ctx.find_root().info_name} ")
            ctx.default_map = by_parameter(ctx.default_map, self.params, command)
        return super().parse_args(ctx, args)


class LazyGroup(TyperGroup):
    """A group whose commands are listed from a table and imported when they are run."""

    table: Mapping[str, Entry | Group] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What a listing shows of a command: its name and its help."""
        if cmd_name not in self.table:
            return None
        entry = self.table[cmd_name]
        return TyperCommand(cmd_name, help=entry[0] if len(entry) == 2 else entry[2])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, imported; a name that is not in the table is refused with those near it."""
        self.commands = {name: self.get_command(ctx, name) for name in self.table}
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and load(str(name), self.table[str(name)]), rest


def load(name: str, entry: Entry | Group) -> Any:
    """A command or a group of the table, ready to run."""
    if len(entry) == 2:
        told, commands = entry
        app = typer.Typer(cls=type("Named", (LazyGroup,), {"table": commands}), add_completion=False, **SETTINGS)
        app.callback(help=told)(lambda: None)
        return typer.main.get_command(app)
    module, attribute, _ = entry
    app = typer.Typer(add_completion=False, **{**SETTINGS, "no_args_is_help": False})
    app.command(name, cls=Command)(getattr(import_module(module), attribute))
    return typer.main.get_command(app)


class Root(LazyGroup):
    """The root of all commands."""

    table = COMMANDS


app = typer.Typer(cls=Root, **SETTINGS)


def print_version(wanted: bool) -> None:
    """Print the version and end, before a command is asked for."""
    if wanted:
        typer.echo(f"clear-kb {version('clear-kb')}")
        raise typer.Exit


@app.callback(help=HELP)
def root(
    ctx: typer.Context,
    verbose: Annotated[
        int,
        typer.Option("--verbose", "-v", count=True, help="Log what is done on standard error; -vv tells more."),
    ] = 0,
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=print_version)
    ] = False,
) -> None:
    """Take what stands before the name of a command, and the settings of its folder."""
    from kb.commands.settings import command_defaults, log_to_stderr

    log_to_stderr(verbose)
    ctx.default_map = command_defaults(COMMANDS)


def main() -> None:
    """Run the command line: exit 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    leave_pandas_alone()
    try:
        app()
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
        from kb.commands.failures import tell_failure, was_interrupted

        if was_interrupted(error):
            sys.stderr.write(INTERRUPTED)
            sys.exit(130)
        sys.exit(tell_failure(error))


if __name__ == "__main__":
    main()
