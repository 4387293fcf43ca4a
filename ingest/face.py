"""The functions that `import ingest` offers: what `clear-kb ingest` does, for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from ingest.datasets.description import Description
from ingest.datasets.known import known_datasets
from ingest.datasets.result import DatasetResult
from ingest.datasets.take import DatasetOptions, ingest_dataset
from ingest.extractors.load import make_extractor
from ingest.images.images import ImageResult, ingest_images
from ingest.labels.choices import Blank, Choices, Consensus, Uncertain
from ingest.labels.labels import LabelResult, ingest_labels
from ingest.labels.predictions import PredictionResult, ingest_predictions
from ingest.labels.score_scale import Kind
from ingest.reports.ingest import ingest_reports, open_sources
from ingest.reports.options import ExtractorOptions, IngestOptions, IngestResult
from ingest.reports.preview import PreviewedReport
from ingest.reports.preview import preview as preview_reports
from ingest.reports.rows import DEFAULT_SECTIONS
from ingest.vectors.ingest import VectorResult, ingest_vectors
from kb.cores import core_count
from kb.display import Listing
from kb.engines.work import Engine
from kb.images.preprocessing import Preprocessing
from kb.knowledge_base import KnowledgeBase
from kb.privacy.id_key import IdKey, read_key
from kb.progress import Watcher
from kb.vectors.embedding import Embedder, EmbedderOptions, choose_embedder

Paths = Sequence[str | Path]


def datasets() -> Listing[Description]:
    """The data sets that are known by their files: what each is, and how it is read.

    Example:
        >>> [one.name for one in ingest.datasets()][:3]
        ['brax', 'chestx-det', 'chexpert']
    """
    return Listing(known_datasets(), ("name", "title", "language", "licence"))


def dataset(
    base: KnowledgeBase,
    root: str | Path,
    *,
    named: str | Path | None = None,
    external: bool = False,
    only: Sequence[str] = ("reports", "images", "labels"),
    size: int = 448,
    fit: str = "pad",
    resample: str = "bicubic",
    embedder: EmbedderOptions | str | None = None,
    embed: bool = True,
    workers: int | None = None,
    engine: Engine | None = None,
    allow_unjoined: bool = False,
    hash_ids: str | Path | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> DatasetResult:
    """Take a data set in as it was downloaded: a commit each for its reports, its images and its labels.

    Args:
        base: where to; it stands on the newest commit afterwards.
        root: the folder that the set lies in.
        named: which set it is, or the file of a description of your own; default: recognised by its files.
        external: it is another site: never trained on nor chosen by, judged whole.
        only: what of it is taken.
        size: pixels of a side that images are brought to.
        fit: "pad", "crop" or "stretch": how they become square.
        resample: "bicubic", "bilinear" or "lanczos": what scales them; see `kb.images.preprocessing`.
        embedder: a name, or `EmbedderOptions`; default: the one in use, else the bundled one.
        embed: whether new concepts are embedded.
        workers: processes that mine and decode; default: one for each processor.
        engine: where that is done instead (see `kb.open_engine`).
        allow_unjoined: store it also where its parts do not meet.
        hash_ids: a file with the key whose hashes are stored in the place of ids and names of files.
        by: who.
        why: the reason.
        dry_run: say what is there and what joins; write nothing.
        watcher: hears how it goes.

    Raises:
        UsageError: there is no such folder or set, or a file has not the columns that it should.
        ClearKbError: a file cannot be read, or the parts of the set do not meet.
    """
    options = DatasetOptions(
        external=external,
        reports="reports" in only,
        images="images" in only,
        labels="labels" in only,
        preprocessing=Preprocessing(size, fit, resample),  # type: ignore[arg-type]  # it refuses other words
        workers=workers,
        engine=engine,
        allow_unjoined=allow_unjoined,
        key=_key(hash_ids),
    )
    return ingest_dataset(
        base,
        root,
        None if named is None else str(named),
        options,
        embedder=_embedder(base, embedder) if embed else None,
        by=by,
        why=why,
        dry_run=dry_run,
        watcher=watcher,
    )


def reports(
    base: KnowledgeBase,
    sources: Paths,
    *,
    source_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    sections: Sequence[str] = DEFAULT_SECTIONS,
    encoding: str = "utf-8",
    max_chars: int = 1_000_000,
    scope: str = "chest",
    where: str | None = None,
    extractor: ExtractorOptions | str = "rules",
    embedder: EmbedderOptions | str | None = None,
    embed: bool = True,
    workers: int | None = None,
    engine: Engine | None = None,
    remine: bool = False,
    store_text: bool = True,
    hash_ids: str | Path | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> IngestResult:
    """Mine reports into the vocabulary: observations, concepts and their embeddings, as one commit.

    Args:
        base: where to; it stands on the new commit afterwards.
        sources: files or folders: CSV, TSV, JSON lines, Parquet, REDCap, FHIR, HL7, text, Open-i XML.
        source_format: of the sources; default: found out.
        columns: which column holds what: {"id": "uid", "text": "Report"}; default: by their usual names.
        sections: the sections that are mined.
        encoding: of text files.
        max_chars: longer reports are rejected.
        scope: "chest" leaves out what is no chest radiograph or chest CT, as columns and titles tell; "all" nothing.
        where: only these reports: "modality = 'CT' AND age > 60", over the columns of the sources.
        extractor: "rules", or `ExtractorOptions` of scispacy or llm.
        embedder: a name, or `EmbedderOptions`; default: the one in use, else the bundled one.
        embed: whether new concepts are embedded.
        workers: processes that mine; default: one for each processor.
        engine: where that is done instead (see `kb.open_engine`).
        remine: mine again what another extractor or version mined.
        store_text: whether the section texts are kept; if not, a mention keeps the words of its concept alone.
        hash_ids: a file with the key whose hashes are stored in the place of ids and names of files.
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
        workers=workers or core_count(),
        remine=remine,
        store_text=store_text,
        scope=scope,
        where=where,
        key=_key(hash_ids),
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
        engine=engine,
    )


def preview(
    sources: Paths,
    *,
    count: int = 5,
    ids: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    sections: Sequence[str] = DEFAULT_SECTIONS,
    scope: str = "chest",
    where: str | None = None,
    extractor: ExtractorOptions | str = "rules",
) -> Iterator[PreviewedReport]:
    """The first reports of some sources with what is found in them; nothing is stored.

    Args:
        sources: files or folders.
        count: how many.
        ids: these reports instead of the first ones.
        columns: which column holds what.
        sections: the sections that are mined.
        scope: "chest" or "all".
        where: only these reports.
        extractor: "rules", or `ExtractorOptions` of scispacy or llm.

    Raises:
        UsageError: a source, column, section or extractor is not there.

    Example:
        >>> (shown,) = ingest.preview(["reports.csv"], ids=["R06"])
        >>> [(mention.text, mention.assertion) for mention in shown.mentions][:2]
        [('pneumothorax', 'absent'), ('8 mm nodule in the right upper lobe', 'present')]
    """
    chosen = ExtractorOptions(name=extractor) if isinstance(extractor, str) else extractor
    options = IngestOptions(
        mapping=dict(columns or {}), sections=tuple(sections), scope=scope, where=where, extractor=chosen
    )
    return preview_reports(sources, options, count=count, ids=ids)


def images(
    base: KnowledgeBase,
    sources: Paths,
    *,
    table: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    size: int = 448,
    fit: str = "pad",
    resample: str = "bicubic",
    any_body_part: bool = False,
    split: str | None = None,
    workers: int | None = None,
    engine: Engine | None = None,
    hash_ids: str | Path | None = None,
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
        fit: "pad", "crop" or "stretch": how they become square.
        resample: "bicubic", "bilinear" or "lanczos": what scales them; see `kb.images.preprocessing`.
        any_body_part: take DICOM radiographs of whatever part of the body, not of the chest alone.
        split: the split that all of them lie in: "external" for those of another place, which are only ever judged.
        workers: processes that decode; default: one for each processor.
        engine: where that is done instead (see `kb.open_engine`).
        hash_ids: a file with the key whose hashes are stored in the place of ids and names of files.
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
        preprocessing=Preprocessing(size, fit, resample),  # type: ignore[arg-type]  # it refuses other words
        any_body_part=any_body_part,
        split=split,
        workers=workers,
        engine=engine,
        key=_key(hash_ids),
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
    split: str | None = None,
    columns: Mapping[str, str] | None = None,
    wanted: Sequence[str] = (),
    split_on: str = "|",
    rename: Mapping[str, str] | None = None,
    readers: str | None = None,
    reader: str | None = None,
    consensus: Consensus | None = None,
    blank: Blank = "unknown",
    uncertain: Uncertain = "unknown",
    label: str | None = None,
    label_table: str | Path | None = None,
    encoding: str = "utf-8",
    allow_unjoined: bool = False,
    hash_ids: str | Path | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> LabelResult:
    """Take a table of labels in, as one commit: 1, 0 or unknown, of images or studies.

    Args:
        base: where to; it stands on the new commit afterwards.
        file: CSV, TSV, JSON or Parquet: a column a label, a row a label, a column that lists them, boxes or masks.
        source: what these labels are stored as; default: the file's name.
        split: the split that all of its images lie in: "external" for another place, which is only ever judged.
        columns: which column holds what.
        wanted: these labels only, or a named list such as "chexpert5"; default: all that are found.
        split_on: what stands between listed labels.
        rename: other names for labels, by the name in the file.
        readers: the column that names the reader of a row; default: found by its usual names.
        reader: the whole file is what this reader says: kept as readings, and no label is made of them.
        consensus: what the readings of one image come to: "majority", "any", "all" or "first".
        blank: what a blank cell is: "unknown" or "negative" (as CheXpert's authors and CLEAR take it).
        uncertain: what -1 is: "unknown", "positive" or "negative".
        label: the name of the label that boxes or masks stand for, or of the table's only one.
        label_table: a file of label names and their findings, beside the bundled one.
        encoding: of text files.
        allow_unjoined: take them also where they join nothing that is stored.
        hash_ids: a file with the key whose hashes are stored in the place of ids and names of files.
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
    choices = Choices(
        mapping=dict(columns or {}),
        labels=tuple(wanted),
        split_on=split_on,
        rename=dict(rename or {}),
        encoding=encoding,
        readers=readers,
        reader=reader,
        consensus=consensus,
        blank=blank,
        uncertain=uncertain,
        label=label,
        label_table=None if label_table is None else Path(label_table),
        key=_key(hash_ids),
    )
    return ingest_labels(
        base,
        file,
        choices,
        source=source,
        split=split,
        by=by,
        why=why,
        dry_run=dry_run,
        allow_unjoined=allow_unjoined,
    )


def predictions(
    base: KnowledgeBase,
    file: str | Path,
    run: str,
    *,
    method: str = "imported",
    scores_are: Kind | None = None,
    operating_points: Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    wanted: Sequence[str] = (),
    rename: Mapping[str, str] | None = None,
    label_table: str | Path | None = None,
    encoding: str = "utf-8",
    allow_unjoined: bool = False,
    hash_ids: str | Path | None = None,
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
        operating_points: the thresholds that the model is used with: each "0.5", "Edema=0.3" or a file.
        columns: which column holds what.
        wanted: these labels only, or a named list such as "chexpert5"; default: all that are found.
        rename: other names for labels, by the name in the file.
        label_table: a file of label names and their findings, beside the bundled one.
        encoding: of text files.
        allow_unjoined: take them also where they join nothing that is stored.
        hash_ids: a file with the key whose hashes are stored in the place of ids and names of files.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.

    Raises:
        UsageError: there is no such file, column or label, or a run of this name came from elsewhere.
        ClearKbError: the file cannot be read as a table.
    """
    choices = Choices(
        mapping=dict(columns or {}),
        labels=tuple(wanted),
        rename=dict(rename or {}),
        encoding=encoding,
        label_table=None if label_table is None else Path(label_table),
        key=_key(hash_ids),
    )
    return ingest_predictions(
        base,
        file,
        run,
        choices=choices,
        method=method,
        scores_are=scores_are,
        operating_points=operating_points,
        by=by,
        why=why,
        dry_run=dry_run,
        allow_unjoined=allow_unjoined,
    )


def vectors(
    base: KnowledgeBase,
    file: str | Path,
    encoder: str,
    *,
    ids: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    patches: bool = False,
    normalise: bool = False,
    replace: bool = False,
    encoding: str = "utf-8",
    hash_ids: str | Path | None = None,
    by: str | None = None,
    why: str | None = None,
    dry_run: bool = False,
) -> VectorResult:
    """Take the vectors that any model gives images in, as one commit.

    Args:
        base: where to; it stands on the new commit afterwards.
        file: Parquet, CSV, .npy, .npz, HDF5 or safetensors.
        encoder: what the model is called from now on.
        ids: a file of ids in the order of the vectors, for arrays that have none beside them.
        columns: which column, or array, holds "image" and "vector"; "feat_*" stands for numbered columns.
        patches: an image has several vectors, of its patches: their mean is stored.
        normalise: bring vectors to length 1; default: as they come.
        replace: put them in the place of all vectors of this name, where they are others.
        encoding: of text files.
        hash_ids: a file with the key whose hashes are stored in the place of ids and names of files.
        by: who.
        why: the reason.
        dry_run: read all and say what would happen; write nothing.

    Raises:
        UsageError: there is no such file or column, or other vectors are stored under this name.
        ClearKbError: the file cannot be read, or none of its images is here.
    """
    return ingest_vectors(
        base,
        file,
        encoder,
        ids=ids,
        columns=columns,
        patches=patches,
        normalise=normalise,
        replace=replace,
        encoding=encoding,
        key=_key(hash_ids),
        by=by,
        why=why,
        dry_run=dry_run,
    )


def _key(path: str | Path | None) -> IdKey | None:
    return None if path is None else read_key(Path(path))


def _embedder(base: KnowledgeBase, named: EmbedderOptions | str | None) -> Callable[[], Embedder]:
    options = named if isinstance(named, EmbedderOptions) else EmbedderOptions(name=named)
    return partial(choose_embedder, base.embedder, options)
