"""The audit page as a test asks it: commands that it shows are typed, audits are waited for."""

from __future__ import annotations

import html
import json
import re
import shlex
import time
from typing import Any

from starlette.testclient import TestClient
from typer.testing import CliRunner

from cli import app

PATIENCE_S = 120


def commands_in(page: str) -> list[str]:
    """The commands that a page shows, in their order."""
    return [html.unescape(found) for found in re.findall(r'<code class="typed">(.*?)</code>', page, re.S)]


def addresses_in(page: str, kind: str) -> list[str]:
    """The addresses of the data that a page offers as CSV or JSON."""
    return [html.unescape(found) for found in re.findall(rf'href="([^"]*)" download>{kind.upper()}', page)]


def typed(command: str, *more: str) -> str:
    """What a command prints, typed as it is shown."""
    name, *words = shlex.split(command)
    assert name == "clear-kb"
    done = CliRunner().invoke(app, [*words, *more])
    assert done.exit_code == 0, done.output
    return done.stdout


def typed_json(command: str) -> Any:
    """What a command gives as JSON."""
    return json.loads(typed(command, "--format", "json"))


def failed(client: TestClient, kind: str, query: str) -> str:
    """The page of an audit that was begun and could not be made."""
    assert client.post(f"/audit/{kind}/begin?{query}").status_code == 200
    page = ended(client, kind, query)
    assert "It could not be made" in page, page
    return page


def made(client: TestClient, kind: str, query: str) -> str:
    """The page of an audit that is kept, or was begun and has ended."""
    page = client.get(f"/audit/{kind}?{query}").text
    if "Make it again" in page:
        return page
    begun = client.post(f"/audit/{kind}/begin?{query}")
    assert begun.status_code == 200, begun.text
    page = ended(client, kind, query)
    assert "It could not be made" not in page, page
    return page


def ended(client: TestClient, kind: str, query: str) -> str:
    """The page of an audit once it is no longer under way."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        page = client.get(f"/audit/{kind}?{query}").text
        if 'class="progress"' not in page:
            return page
        time.sleep(0.2)
    raise AssertionError(f"{kind} did not end: {page}")
