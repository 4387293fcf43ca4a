"""Endpoints that speak the OpenAI protocol: how one is named, and the key for it."""

from __future__ import annotations

import os


def model_and_url(name: str) -> tuple[str, str] | None:
    """The two parts of MODEL@URL; None if `name` is not of that form."""
    model, at, url = name.rpartition("@")
    return (model, url) if at and model and url.startswith(("http://", "https://")) else None


def api_key() -> str:
    """The key in CLEAR_KB_API_KEY or OPENAI_API_KEY; endpoints of one's own mostly need none, and get "none"."""
    return os.environ.get("CLEAR_KB_API_KEY") or os.environ.get("OPENAI_API_KEY") or "none"
