"""What the fork server of `command_process` imports before its first fork: all that commands import."""

import warnings
from importlib import import_module

import cli

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
