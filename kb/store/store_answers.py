"""What an object store answered, in words: Lance passes it on as a chain of Rust errors around a piece of XML."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

REACH_S = 3.0
"""How long a server is tried once more, to say why a request did not get there."""

_NO_KEYS = "no keys were found for the store: set aws_access_key_id and aws_secret_access_key, or the AWS_ variables"
_KEYS = "the store does not accept the keys"
_REGION = "the bucket is in another region, or at another endpoint"
_BUSY = "the store is busy and asks for fewer requests: try again later"

_BY_CODE: Mapping[str, str] = {
    "AccessDenied": "the keys may not do that",
    "AllAccessDisabled": "the keys may not do that",
    "AuthorizationHeaderMalformed": _REGION,
    "ExpiredToken": "the keys have expired",
    "InvalidAccessKeyId": _KEYS,
    "InvalidBucketName": "that is no name of a bucket",
    "InvalidToken": _KEYS,
    "NoSuchBucket": "there is no such bucket",
    "NotImplemented": "the store does not know a request that is needed",
    "PermanentRedirect": _REGION,
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "ResourceNotFoundException": "there is no such table in DynamoDB",
    "SignatureDoesNotMatch": _KEYS,
    "SlowDown": _BUSY,
    "UnrecognizedClientException": _KEYS,
}
_BY_STATUS: Mapping[int, str] = {
    401: _KEYS,
    403: "the keys may not do that",
    404: "the store does not have it",
    429: _BUSY,
    501: "the store does not know a request that is needed",
    503: _BUSY,
}
_REQUEST = re.compile(r"(?:Error performing|method:) (GET|PUT|HEAD|POST|DELETE)[ ,]+(?:uri: Some\()?(https?://[^\s)]+)")
_STATUS = re.compile(r"status(?: code)?:? (?:StatusCode\()?(\d{3})")
_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>|\b(ResourceNotFoundException|UnrecognizedClientException)\b")


def answer_in_words(text: str) -> str | None:
    """What a store said, from the text of an error; None if the text is not about a store."""
    if "AWS credentials" in text or "CredentialsNotLoaded" in text:
        return _NO_KEYS
    request, code, status = _REQUEST.search(text), _CODE.search(text), _STATUS.search(text)
    if request is None and not (code and "dynamodb" in text.lower()):
        return None
    asked = f" ({request[1]} {_server(request[2])})" if request else ""
    name = (code[1] or code[2]) if code else None
    if name or status:
        number = int(status[1]) if status else None
        words = _BY_CODE.get(name or "") or _BY_STATUS.get(number or 0) or "the store refused it"
        return f"{words}: it answered {' '.join(str(part) for part in (number, name) if part)}{asked}"
    if "incorrectly configured region" in text:
        return f"{_REGION}{asked}"
    if request and request[2].startswith("http:") and "builder error" in text:
        return f"the endpoint is http:// and not https://, which has to be allowed: allow_http=true{asked}"
    if request and ("sending request" in text or "onnect" in text):
        return f"{_why_unsent(request[2])}{asked}"
    return f"the store could not be asked{asked}"


def _server(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _why_unsent(url: str) -> str:
    """Why a request got no answer: the client does not say, so its server is tried once more, with nothing sent."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=REACH_S).close()
    except socket.gaierror:
        return f"there is no server called {parts.hostname}"
    except ConnectionRefusedError:
        return "connection refused"
    except OSError:
        return "the server cannot be reached"
    if parts.scheme == "https":
        return "the server did not answer in time, or does not speak https"
    return "the server did not answer in time"
