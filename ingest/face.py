"""The functions that `import ingest` offers: what `clear-kb ingest` does, for a notebook."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from ingest.extractors.load import make_extractor
from ingest.images.images import ImageResult, ingest_images
from ingest.labels.label_tables import Choices
from ingest.labels.labels import LabelResult, ingest_labels
from ingest.labels.predictions import PredictionResult, ingest_predictions
from ingest.labels.score_scale import Kind
from ingest.reports.ingest import ingest_reports, open_sources
from ingest.reports.options import ExtractorOptions, IngestOptions, IngestResult
from ingest.reports.preview import PreviewedReport
from ingest.reports.preview import preview as preview_reports
from ingest.reports.rows import DEFAULT_SECTIONS
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.progress import Watcher
from kb.vectors.embedding import Embedder, EmbedderOptions, choose_embedder

Paths = Sequence[str | Path]


def reports(
    base: KnowledgeBase,
    sources: Paths,
    *,
    source_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    sections: Sequence[str] = DEFAULT_SECTIONS,
    encoding: str = "utf-8",
    max_chars: int = 1_000_000,
    extractor: ExtractorOptions | str = "rules",
    embedder: EmbedderOptions | str | None = None,
    embed: bool = True,
    workers: int | None = None,
    remine: bool = False,
    store_text: bool = True,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> IngestResult:
    """Mine reports into the vocabulary: observations, concepts and their embeddings, as one commit.

    Args:
        base: where to; it stands on the new commit afterwards.
        sources: files or folders: CSV, TSV, JSON lines, Parquet, text, Open-i XML.
        source_format: of the sources; default: found out.
        columns: which column holds what: {"id": "uid", "text": "Report"}; default: by their usual names.
        sections: the sections that are mined.
        encoding: of text files.
        max_chars: longer reports are rejected.
        extractor: "rules", or `ExtractorOptions` of scispacy or llm.
        embedder: a name, or `EmbedderOptions`; default: the one in use, else the bundled one.
        embed: whether new concepts are embedded.
        workers: processes that mine; default: one for each processor.
        remine: mine again what another extractor or version mined.
        store_text: whether the section texts are kept.
        by: who; default: the login name.
        why: the reason, for the log.
        dry_run: read and mine, count, and write nothing.
        watcher: hears how far it is.

    Raises:
        UsageError: a source, column, section or extractor is not there.
        ClearKbError: a source cannot be read, or the embedder fails; what was mined is kept for the next run.

    Example:
        >>> result = ingest.reports(base, ["reports.csv"], embed=False)
        >>> result.new, result.unchanged, result.rejected
        (0, 10, 1)
    """
    options = IngestOptions(
        source_format=source_format,
        mapping=dict(columns or {}),
        encoding=encoding,
        max_chars=max_chars,
        sections=tuple(sections),
        extractor=ExtractorOptions(name=extractor) if isinstance(extractor, str) else extractor,
        workers=workers or os.cpu_count() or 1,
        remine=remine,
        store_text=store_text,
    )
    opened = open_sources(sources, options)
    made = make_extractor(options.extractor)
    return ingest_reports(
        base,
        opened,
        options,
        embedder=_embedder(base, embedder) if embed else None,
        by=by,
        why=why,
        dry_run=dry_run,
        watcher=watcher,
        extractor=made,
    )


def preview(
    sources: Paths,
    *,
    count: int = 5,
    ids: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    sections: Sequence[str] = DEFAULT_SECTIONS,
    extractor: ExtractorOptions | str = "rules",
) -> Iterator[PreviewedReport]:
    """The first reports of some sources with what is found in them; nothing is stored.

    Args:
        sources: files or folders.
        count: how many.
        ids: these reports instead of the first ones.
        columns: which column holds what.
        sections: the sections that are mined.
        extractor: "rules", or `ExtractorOptions` of scispacy or llm.

    Raises:
        UsageError: a source, column, section or extractor is not there.

    Example:
        >>> (shown,) = ingest.preview(["reports.csv"], ids=["R06"])
        >>> [(mention.text, mention.assertion) for mention in shown.mentions][:2]
        [('pneumothorax', 'absent'), ('8 mm nodule in the right upper lobe', 'present')]
    """
    chosen = ExtractorOptions(name=extractor) if isinstance(extractor, str) else extractor
    options = IngestOptions(mapping=dict(columns or {}), sections=tuple(sections), extractor=chosen)
    return preview_reports(sources, options, count=count, ids=ids)


def images(
    base: KnowledgeBase,
    sources: Paths,
    *,
    table: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    size: int = 448,
    fit: str = "pad",
    any_body_part: bool = False,
    workers: int | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> ImageResult:
    """Take radiographs in, as one commit: PNG and JPEG of 8 or 16 bits, DICOM.

    Args:
        base: where to; it stands on the new commit afterwards.
        sources: folders and files.
        table: a table that names the images and says whose they are.
        columns: which of its columns holds what.
        size: pixels of a side that images are brought to.
        fit: "pad" or "crop": how they become square.
        any_body_part: take DICOM radiographs of whatever part of the body, not of the chest alone.
        workers: processes that decode; default: one for each processor.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: a source is not there, or the table cannot be read.
    """
    return ingest_images(
        base,
        sources,
        table=table,
        mapping=columns,
        preprocessing=Preprocessing(size=size, fit=fit),  # type: ignore[arg-type]  # it refuses other words
        any_body_part=any_body_part,
        workers=workers,
        by=by,
        why=why,
        dry_run=dry_run,
        watcher=watcher,
    )


def labels(
    base: KnowledgeBase,
    file: str | Path,
    *,
    source: str | None = None,
    columns: Mapping[str, str] | None = None,
    wanted: Sequence[str] = (),
    split_on: str = "|",
    rename: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> LabelResult:
    """Take a table of labels in, as one commit: 1, 0 or unknown, of images or studies.

    Args:
        base: where to; it stands on the new commit afterwards.
        file: CSV, TSV, JSON lines or Parquet: a column a label, a row a label, or a column that lists them.
        source: what these labels are stored as; default: the file's name.
        columns: which column holds what.
        wanted: these labels only; default: all that are found.
        split_on: what stands between listed labels.
        rename: other names for labels, by the name in the file.
        encoding: of text files.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.

    Raises:
        UsageError: there is no such file, column or label.
        ClearKbError: the file cannot be read as a table.

    Example:
        >>> ingest.labels(base, "labels.csv", dry_run=True).labels
        ('edema',)
    """
    choices = Choices(dict(columns or {}), tuple(wanted), split_on, dict(rename or {}), encoding)
    return ingest_labels(base, file, choices, source=source, by=by, why=why, dry_run=dry_run)


def predictions(
    base: KnowledgeBase,
    file: str | Path,
    run: str,
    *,
    method: str = "imported",
    scores_are: Kind | None = None,
    columns: Mapping[str, str] | None = None,
    wanted: Sequence[str] = (),
    rename: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> PredictionResult:
    """Take the predictions of any model in, as one run and one commit.

    Args:
        base: where to; it stands on the new commit afterwards.
        file: CSV, TSV, JSON lines or Parquet: a column a label, or rows of label and score.
        run: the name that they are evaluated and audited by.
        method: how they were made.
        scores_are: "probabilities" or "logits"; default: logits if any is below 0.
        columns: which column holds what.
        wanted: these labels only; default: all that are found.
        rename: other names for labels, by the name in the file.
        encoding: of text files.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.

    Raises:
        UsageError: there is no such file, column or label, or a run of this name came from elsewhere.
        ClearKbError: the file cannot be read as a table.
    """
    choices = Choices(dict(columns or {}), tuple(wanted), "|", dict(rename or {}), encoding)
    return ingest_predictions(
        base, file, run, choices=choices, method=method, scores_are=scores_are, by=by, why=why, dry_run=dry_run
    )


def _embedder(base: KnowledgeBase, named: EmbedderOptions | str | None) -> Callable[[], Embedder]:
    options = named if isinstance(named, EmbedderOptions) else EmbedderOptions(name=named)
    return partial(choose_embedder, base.embedder, options)
