"""Whether an object store lets one of two writers fail, as conditional writes have it: tried on a table of its own."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress

import pyarrow as pa

from kb.store.address import Address


def second_write_fails(address: Address, options: Mapping[str, str] | None) -> bool:
    """Write one version of a throwaway table in `address` twice, as two writers at once would; both see none before.

    An overwrite without retries looks at nothing but the version that it was told to build on, so Lance leaves it to
    the store whether the second one goes through. Raises what Lance raises where the store fails in another way.
    """
    import lance

    table = address.of(f"_probe-{uuid.uuid4().hex}.lance")
    schema = pa.schema([("probe", pa.int8())])
    change = lance.LanceOperation.Overwrite(schema, [])
    try:
        # From one handle: a writer that opened the table again would see what the other one wrote.
        first = lance.write_dataset(schema.empty_table(), table, storage_options=options, session=lance.Session())
        lance.LanceDataset.commit(first, change, read_version=1, max_retries=0, storage_options=options)
        try:
            lance.LanceDataset.commit(first, change, read_version=1, max_retries=0, storage_options=options)
        except (OSError, ValueError, RuntimeError) as error:
            if "conflict" not in str(error).lower():
                raise
            return True
        return False
    finally:
        # Whoever may write but not delete shall write: what stays is a table without rows that nothing names.
        with suppress(OSError, ValueError, RuntimeError):
            lance.LanceDataset.drop(table, options)
