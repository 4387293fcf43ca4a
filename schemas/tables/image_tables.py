"""The tables of images, the ground truth of them, and what models say of them."""

import pyarrow as pa

from schemas.tables.table import TIME, Table, required

_ATTRIBUTE = pa.struct([required("name", pa.string()), required("value", pa.string())])

IMAGES = Table(
    "images",
    "one radiograph: where it came from, whose it is, and what its table says of it beside that",
    pa.schema(
        [
            required("image_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            required("source", pa.string()),
            required("position", pa.string()),
            required("content_hash", pa.string()),
            required("kind", pa.string()),
            required("width", pa.int32()),
            required("height", pa.int32()),
            pa.field("view", pa.string()),
            pa.field("sex", pa.string()),
            pa.field("age", pa.float64()),
            required("attributes", pa.list_(_ATTRIBUTE)),
        ]
    ),
)

PIXELS = Table(
    "pixels",
    "the preprocessed pixels of one image content, uint8 (size x size), so that none is decoded twice",
    pa.schema(
        [
            required("key", pa.string()),
            required("content_hash", pa.string()),
            required("preprocessing", pa.string()),
            required("size", pa.int32()),
            required("pixels", pa.large_binary()),
        ]
    ),
    versioned=False,
)

IMAGE_PROPERTIES = Table(
    "image_properties",
    "what is measured of the preprocessed pixels of one image content, so that none is measured twice",
    pa.schema(
        [
            required("content_hash", pa.string()),
            required("preprocessing", pa.string()),
            required("method", pa.int32()),
            required("brightness", pa.float32()),
            required("contrast", pa.float32()),
            required("sharpness", pa.float32()),
            required("dark_border", pa.float32()),
            required("light_border", pa.float32()),
            required("corner_text", pa.float32()),
        ]
    ),
    versioned=False,
)

LABELS = Table(
    "labels",
    "what is held to be true of an image or of a whole study: 1, 0, or null where it is unknown",
    pa.schema(
        [
            pa.field("image_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            required("label", pa.string()),
            pa.field("value", pa.int8()),
            required("source", pa.string()),
        ]
    ),
)

READINGS = Table(
    "readings",
    "what one reader says of one image or study: 1, 0, or null where the reader could not tell",
    pa.schema(
        [
            pa.field("image_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            required("label", pa.string()),
            pa.field("value", pa.int8()),
            required("reader", pa.string()),
            required("source", pa.string()),
        ]
    ),
)

LABEL_SOURCES = Table(
    "label_sources",
    "how one source of labels was read: what a blank and a doubt are, and what several readings came to",
    pa.schema(
        [
            required("source", pa.string()),
            required("file", pa.string()),
            required("blank", pa.string()),
            required("uncertain", pa.string()),
            pa.field("readers", pa.int32()),
            pa.field("consensus", pa.string()),
            required("blanks", pa.int64()),
            required("doubts", pa.int64()),
            required("ties", pa.int64()),
        ]
    ),
)

LABEL_NAMES = Table(
    "label_names",
    "a line of a user's table of label names: what else a label is called, which findings it is, what is wider",
    pa.schema(
        [
            required("label", pa.string()),
            *(required(name, pa.list_(pa.string())) for name in ("names", "findings", "wider", "present", "absent")),
        ]
    ),
)

ATTRIBUTES = Table(
    "attributes",
    "what a table of labels or predictions says beside them of an image or study: its sex, site, device, ...",
    pa.schema(
        [
            pa.field("image_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            required("name", pa.string()),
            required("value", pa.string()),
            required("source", pa.string()),
        ]
    ),
)

ENCODERS = Table(
    "encoders",
    "one image encoder whose vectors are stored: where its checkpoint stood (a foreign one has none), what of, and "
    "what they were computed in: all of them in one precision",
    pa.schema(
        [
            required("encoder", pa.string()),
            required("checkpoint", pa.string()),
            required("dimension", pa.int32()),
            required("objective", pa.string()),
            required("preprocessing", pa.string()),
            pa.field("embedder", pa.string()),
            pa.field("vocabulary_commit", pa.string()),
            pa.field("precision", pa.string()),
            pa.field("devices", pa.list_(pa.string())),
        ]
    ),
)

IMAGE_VECTORS = Table(
    "image_vectors",
    "the vector of one image by one encoder; of a foreign one as it came, and of no picture where none is stored",
    pa.schema(
        [
            required("image_id", pa.string()),
            required("content_hash", pa.string()),
            required("encoder", pa.string()),
            required("vector", pa.list_(pa.float32())),
        ]
    ),
)

_HEAD = pa.struct(
    [
        required("label", pa.string()),
        required("weights", pa.list_(pa.float64())),
        required("bias", pa.float64()),
        required("scale", pa.float64()),
    ]
)

RUNS = Table(
    "runs",
    "one set of predictions: by which method, encoder, embedder and vocabulary; the weights of its labels",
    pa.schema(
        [
            required("run", pa.string()),
            required("method", pa.string()),
            pa.field("space", pa.string()),
            pa.field("encoder", pa.string()),
            pa.field("embedder", pa.string()),
            pa.field("vocabulary_commit", pa.string()),
            required("parameters", pa.string()),
            required("heads", pa.list_(_HEAD)),
            required("time", TIME),
        ]
    ),
)

PREDICTIONS = Table(
    "predictions",
    "the score of one image or study for one label in one run: a probability, and the logit where there is one",
    pa.schema(
        [
            required("run", pa.string()),
            pa.field("image_id", pa.string()),
            pa.field("study_id", pa.string()),
            pa.field("patient_id", pa.string()),
            required("label", pa.string()),
            required("score", pa.float64()),
            pa.field("logit", pa.float64()),
        ]
    ),
)

ATTRIBUTIONS = Table(
    "attributions",
    "one of the concepts, or findings, that a prediction owes most to: what its score, above the mean image's, adds",
    pa.schema(
        [
            required("run", pa.string()),
            required("image_id", pa.string()),
            required("label", pa.string()),
            required("grouping", pa.string()),
            required("rank", pa.int32()),
            pa.field("concept_id", pa.string()),
            pa.field("finding", pa.string()),
            pa.field("score", pa.float64()),
            required("contribution", pa.float64()),
        ]
    ),
)

ATTRIBUTION_SUMS = Table(
    "attribution_sums",
    "what one prediction comes to beside its rows in `attributions`, to the last digit: all of it sums to the logit",
    pa.schema(
        [
            required("run", pa.string()),
            required("image_id", pa.string()),
            required("label", pa.string()),
            required("grouping", pa.string()),
            required("top", pa.int32()),
            required("space", pa.string()),
            required("logit", pa.float64()),
            required("base", pa.float64()),
            required("outside", pa.float64()),
            required("others", pa.float64()),
            required("residual", pa.float64()),
        ]
    ),
)

TRAINING_METRICS = Table(
    "training_metrics",
    "one number of one step of a training: appended as it goes, so that it can be watched",
    pa.schema(
        [
            required("training", pa.string()),
            required("step", pa.int64()),
            required("epoch", pa.int32()),
            required("split", pa.string()),
            required("name", pa.string()),
            required("value", pa.float64()),
            required("time", TIME),
        ]
    ),
    versioned=False,
)
