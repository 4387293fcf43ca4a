"""Serving: a socket that only this machine reaches, unless another is asked for, and a server on it until Ctrl-C."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import stat
from pathlib import Path

from kb.errors import ClearKbError, UsageError

LOCAL = "127.0.0.1"
PORT = 8800
TRIED = 20
"""Ports tried from the usual one on, if none is asked for."""

SHORTEST_TOKEN = 24
"""Letters of a token that a file may hold: fewer could be guessed."""

CLOSING_S = 2
"""How long requests under way may go on after Ctrl-C."""


def new_token() -> str:
    """A token that nobody guesses: 256 bits."""
    return secrets.token_urlsafe(32)


def read_token(path: Path) -> str:
    """The token that a file holds.

    Raises:
        UsageError: there is no such file, others may read it, or it holds no token worth the name.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}: write a token into it, {SHORTEST_TOKEN} letters or more")
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        raise UsageError(f"{path} can be read by others: take that from it (chmod 600 {path})")
    token = path.read_text(encoding="utf-8").strip()
    if len(token) < SHORTEST_TOKEN or not token.isascii() or any(letter.isspace() for letter in token):
        raise UsageError(f"{path} holds no token: one line of {SHORTEST_TOKEN} letters and digits or more")
    return token


def bind(host: str, port: int | None) -> socket.socket:
    """A listening socket: on `port`, or on the first free one from the usual one on.

    Raises:
        UsageError: the host is none of this machine, or the port is taken.
    """
    tried = [port] if port is not None else list(range(PORT, PORT + TRIED))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in tried:
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, number))
            listening.listen()  # the address is told before the server runs: who comes early waits
        except socket.gaierror as error:
            raise UsageError(f"'{host}' is no address of this machine") from error
        except OSError as error:
            listening.close()
            if number == tried[-1]:
                taken = f"port {number} of {host}" if port is not None else f"the ports {PORT} to {tried[-1]} of {host}"
                raise UsageError(f"{taken} cannot be had: {error.strerror}", parameter="port") from error
        else:
            return listening
    raise AssertionError("one port at least is tried")


def known_hosts(host: str) -> frozenset[str]:
    """The names that requests may be meant for: this machine's own where only it is reached, else its addresses too."""
    if is_local(host):
        return frozenset({"localhost", LOCAL, "::1", host})
    return frozenset({"*", "localhost", host, socket.gethostname().lower(), socket.getfqdn().lower()})


def is_local(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(listening: socket.socket, host: str, token: str | None) -> str:
    """What to open: a server on all addresses is named by this machine's name."""
    shown = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")


def run(app: object, listening: socket.socket) -> None:
    """Serve until the process is told to end.

    Raises:
        ClearKbError: the server could not begin.
    """
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application
        log_level="warning",
        access_log=False,  # addresses hold ids of patients
        server_header=False,
        timeout_graceful_shutdown=CLOSING_S,
        ws="none",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        return  # Ctrl-C is how it ends
    if not server.started:
        raise ClearKbError("the server could not begin")
