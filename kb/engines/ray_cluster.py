"""A Ray cluster: one that is there, joined, or one of this machine alone, started for the work and gone after it.

A cluster of our own is nobody else's: it listens to this machine alone, and there to whoever has its token, which is
drawn anew for each process; its files, which may hold texts of reports, lie in a folder that only this user can enter,
and go with it; nothing is told to Ray's makers.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from kb.errors import ClearKbError, UsageError

logger = logging.getLogger("clear_kb.engines")

AUTO = "auto"
"""The address of the cluster that this machine is a part of."""

REACHED_WITHIN_S = 5.0

STORE_BYTES = 256 * 2**20
"""Memory of a cluster of our own for what is on its way; what is more goes to its folder."""

LONGEST_PLACE = 24
"""Letters of the folder for temporary files: sockets lie 82 deeper, and their paths may have 107."""

QUIET: Mapping[str, str] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}
"""No telemetry and no warnings."""


PATIENT: Mapping[str, str] = {"RAY_worker_register_timeout_seconds": "600", "RAY_health_check_failure_threshold": "60"}
"""A machine that is busy with other work may take its time; Ray would take slow processes for dead ones."""


ALONE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""The switch by which Ray takes 127.0.0.1 for the address of a machine, so that no other one reaches its servers.

Without it they listen to all networks. It is named after the systems that it is off on, and holds for all of them.
"""


@contextmanager
def joined(address: str | None, workers: int) -> Iterator[Any]:
    """The module `ray`, connected to a cluster for the while.

    Args:
        address: of the head node, "HOST:PORT", or "auto"; None starts a cluster of this machine.
        workers: of a cluster of this machine.

    Raises:
        UsageError: Ray is not installed, or the address is none.
        ClearKbError: no cluster answers there.
    """
    ray = _imported()
    if address is not None:
        _check_answers(address)
    with ExitStack() as at_the_end:
        at_the_end.enter_context(_environment(QUIET))
        told: dict[str, Any] = {"address": address}
        if address is None:
            folder = at_the_end.enter_context(_private_folder())
            # Ray asks for a token by itself, and keeps one in the home, where others may read it, if none is told.
            at_the_end.enter_context(_environment({"RAY_AUTH_TOKEN": _token(), **PATIENT}))
            at_the_end.enter_context(_alone(ray))
            told = {
                "address": "local",
                "num_cpus": workers,
                "include_dashboard": False,
                "object_store_memory": STORE_BYTES,
                "_temp_dir": str(Path(folder) / "r"),
            }
        _start(ray, told, tries=2 if address is None else 1)
        try:
            yield ray
        finally:
            ray.shutdown()


def _imported() -> Any:
    with _environment(QUIET):
        try:
            import ray
        except ImportError as error:
            raise UsageError("the engine ray needs Ray, which is not installed", need="ray") from error
    # It has no other switch: what its servers have to say would stand among the data on standard output.
    ray._private.worker._worker_logs_enabled = False
    return ray


def _check_answers(address: str) -> None:
    """Refuse an address that is none or at which nothing answers, before Ray waits for minutes."""
    if address == AUTO:
        return
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or "/" in host:
        raise UsageError(
            f"'{address}' is no address of a Ray cluster: HOST:PORT of its head node was expected, or {AUTO} on a "
            "machine that is a part of one",
            parameter="address",
        )
    try:
        socket.create_connection((host, int(port)), timeout=REACHED_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClearKbError(f"no Ray cluster answers at {address}: {reason}", parameter="address") from error


def _start(ray: Any, told: Mapping[str, Any], *, tries: int) -> None:
    """Join or start a cluster. Ray gives its servers 30 seconds, which a busy machine may exceed: once more."""
    shown = logging.INFO if logger.isEnabledFor(logging.INFO) else logging.CRITICAL
    try:
        with warnings.catch_warnings():
            # Ray forks to start its servers. Lance warns of forks; these are other programs at once.
            warnings.filterwarnings("ignore", "lance", UserWarning)
            warnings.filterwarnings("ignore", "lancedb", RuntimeWarning)
            ray.init(**told, log_to_driver=False, logging_level=shown)
    except (Exception, SystemExit) as error:  # it raises whatever it met; its core exits where it is left waiting
        ray.shutdown()
        if tries > 1:
            _start(ray, told, tries=tries - 1)
            return
        where = told["address"] if told["address"] != "local" else "this machine"
        reason = str(error).strip().splitlines()[:1] or ["no answer"]
        raise ClearKbError(f"there is no Ray cluster to be had at {where}: {reason[0]}") from error


@contextmanager
def _alone(ray: Any) -> Iterator[None]:
    """This machine is by itself for the while: its processes read the variable, and this one has read it already."""
    constants = ray._private.ray_constants
    before = constants.ENABLE_RAY_CLUSTER
    with _environment({ALONE: "0"}):
        constants.ENABLE_RAY_CLUSTER = os.environ[ALONE].lower() in ("1", "true")
        try:
            yield
        finally:
            constants.ENABLE_RAY_CLUSTER = before


@cache
def _token() -> str:
    """What whoever speaks to a cluster of our own has to know; Ray reads it once a process."""
    return secrets.token_hex(32)


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that this user alone can enter; a process of Ray that is slow to end may still write into it."""
    place = tempfile.gettempdir()
    within = place if len(place) <= LONGEST_PLACE else "/tmp"
    return tempfile.TemporaryDirectory(prefix="ckb-ray-", dir=within, ignore_cleanup_errors=True)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of the environment for the while; those that the user has set stand."""
    added = [name for name in values if name not in os.environ]
    os.environ.update({name: values[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
