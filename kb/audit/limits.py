"""How much a query may take: time, memory, processors; and the settings that lock everything else away from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kb.errors import UsageError

if TYPE_CHECKING:
    import duckdb

LOCKED = (
    # Anything that is not set here would be reachable: each line closes one door, the last one the doors themselves.
    "SET enable_external_access = false",
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",
    "SET python_scan_all_frames = false",
    "SET disabled_filesystems = 'LocalFileSystem'",
    "SET lock_configuration = true",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take.

    Attributes:
        timeout_s: seconds, with the reading of its rows.
        memory: of DuckDB, as it writes it: "2GB"; nothing spills to disk.
        threads: processors; default: all.
    """

    timeout_s: float = 60.0
    memory: str = "2GB"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.timeout_s <= 0:
            raise UsageError(f"--timeout {self.timeout_s:g}: seconds above 0 were expected")
        if re.fullmatch(r"\d+(\.\d+)?\s*([KMGT]i?)?B", self.memory, re.I) is None:
            raise UsageError(f"--memory {self.memory}: a size such as 2GB was expected")


def limited_connection(limits: Limits) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that holds to the limits; it is still open to the world: see `lock`."""
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": limits.memory,
        "max_temp_directory_size": "0KB",
    }
    if limits.threads is not None:
        settings["threads"] = limits.threads
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET enable_progress_bar = false")
    # `DROP` and `COPY` are refused before DuckDB sees them; an order of rows that is nowhere asked for costs memory.
    connection.execute("SET preserve_insertion_order = true")
    return connection


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Close every door: files, network, extensions, Python's variables and the settings; for good."""
    for setting in LOCKED:
        connection.execute(setting)
