"""What the fork server of `command_process` does before its first fork: all that commands import, and their tables."""

import warnings
from importlib import import_module

import cli
from ingest.extractors.load import make_extractor
from ingest.report import Section
from ingest.reports.options import ExtractorOptions
from kb.language.names.other_names import load_other_names
from kb.language.query_reading import read_query
from kb.language.same_words import heads_of
from kb.vectors.embedding.bundled import verified_folder

# Lance must not be used before a fork; it is only imported.
warnings.filterwarnings("ignore", "lance is not fork-safe", UserWarning)

for name in (
    "pyarrow.dataset",
    "pyarrow.compute",
    "duckdb",
    "lance",
    "torch",
    "spacy",
    "transformers",
    "sentence_transformers",
    "sklearn.linear_model",
    "matplotlib.figure",
    "pydicom",
):
    import_module(name)

_tables = [cli.COMMANDS]
for table in _tables:
    for entry in table.values():
        if len(entry) == 2:
            _tables.append(entry[1])
        else:
            import_module(entry[0])

# What the program reads of its own tables it reads once a process: here once for all of them.
read_query("no large left pleural effusion, not loculated")
load_other_names()
heads_of("effusions")
verified_folder()
make_extractor(ExtractorOptions()).extract(
    [[Section("findings", "There is a small left pleural effusion (PE), 3 cm, seen on 01/02/2020. No pneumothorax.")]]
)
