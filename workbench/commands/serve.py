"""`clear-kb serve`: the workbench in the browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from kb.commands.options import DEFAULT_KB, At, By, Format, KbUri, OnBranch, OutputFormat, StorageOptions, parse_pairs
from kb.commands.output import print_json, say
from kb.errors import UsageError
from kb.store.commits import default_author
from workbench.serving import LOCAL, address_of, bind, is_local, known_hosts, new_token, read_token, run


def serve_command(
    kb: KbUri = DEFAULT_KB,
    at: At = None,
    branch: OnBranch = None,
    by: By = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Let nobody change anything; --at implies it.")
    ] = False,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, help="Default: 8800, or the next that is free; 0: any.")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Where other machines reach it; needs --token-file.")
    ] = LOCAL,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="A file, yours alone, with the token that lets a browser in.")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the address in the browser at once.")] = False,
    storage_option: StorageOptions = None,
    output: OutputFormat = Format.table,
) -> None:
    """Open the workbench in the browser: vocabulary, review, images, audit. Nothing leaves this machine."""
    from workbench.access import Key
    from workbench.app import make_app
    from workbench.desk import Desk

    if not is_local(host) and token_file is None:
        raise UsageError(
            "other machines would reach it: the token that lets them in has to come from a file of yours",
            parameter="token_file",
        )
    if at is not None and branch is not None:
        raise UsageError("name a state to read or a draft to work on, one of the two")
    token = read_token(token_file) if token_file is not None else new_token()
    author = by or (default_author() if is_local(host) else None)
    desk = Desk(
        kb,
        at=at,
        branch=branch,
        author=author,
        read_only=read_only,
        storage_options=parse_pairs(storage_option, "--storage-option") or None,
    )
    with bind(host, port) as listening:
        key = Key(token, listening.getsockname()[1])
        address = address_of(listening, host, None if token_file is not None else token)
        app = make_app(desk, key=key, hosts=known_hosts(host))
        _tell(address, desk=desk, host=host, output=output)
        if open_browser:
            webbrowser.open(address)
        run(app, listening)


def _tell(address: str, *, desk: Any, host: str, output: Format) -> None:
    """Print the address: to standard output, for a script may wait for it; all else is said beside it."""
    commit = desk.base().commit
    if output is Format.json:
        print_json({"address": address, "kb": desk.uri, "commit": commit.commit_id, "read_only": desk.read_only})
    else:
        typer.echo(address)
    typer.echo("", nl=False)
    how = (
        "read-only" if desk.read_only else f"acts are by {desk.author}" if desk.author else "each visitor gives a name"
    )
    say(f"the workbench of {desk.uri} at commit {commit.commit_id}: {how}")
    if is_local(host):
        say("Open the address above. Only this machine reaches it; Ctrl-C ends it.")
    else:
        say(
            "Open the address above and enter the token of the file. What is sent is not encrypted: put a server with "
            "TLS before it, or go through ssh -L. Ctrl-C ends it."
        )
