"""Exports of a hospital that does not exist, in HL7 and FHIR."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any


def hl7_message(
    *segments: str, kind: str = "ORU^R01^ORU_R01", time: str = "20260101100000", charset: str = "", end: str = "\r"
) -> str:
    """One message: the header, and `segments` as they stand."""
    header = f"MSH|^~\\&|RIS|HILL|KB|LAB|{time}||{kind}|1|P|2.5.1||||||{charset}"
    return "".join(segment + end for segment in (header, *segments))


def hl7_report(
    number: str, *observations: str, procedure: str = "XR CHEST", status: str = "F", section: str = "CR", time: str = ""
) -> tuple[str, ...]:
    """The segments of one order with its observations."""
    order = ["OBR", "1", f"P-{number}", number, f"X1^{procedure}^L"] + [""] * 17 + [time, "", section, status]
    return ("PID|1||P7^^^HILL^PI~M7^^^HILL^MR||ROE^ADA", "|".join(order), *observations)


def fhir_report(identity: str, **values: Any) -> dict[str, Any]:
    """One DiagnosticReport of a chest radiograph with a conclusion, and what else is said; None takes a value away."""
    report = {
        "resourceType": "DiagnosticReport",
        "id": identity,
        "status": "final",
        "code": {"text": "XR chest PA and lateral"},
        "conclusion": "No pneumothorax.",
        **values,
    }
    return {name: value for name, value in report.items() if value is not None}


def attached(text: str | bytes, content_type: str = "text/plain") -> dict[str, str]:
    """An attached document."""
    data = text.encode() if isinstance(text, str) else text
    return {"contentType": content_type, "data": base64.b64encode(data).decode()}


def bundle(resources: Iterable[dict[str, Any]], kind: str = "searchset", indent: int | None = 1) -> bytes:
    """A bundle of resources."""
    entries = [
        {"fullUrl": f"https://hill.test/fhir/{r['resourceType']}/{r.get('id')}", "resource": r} for r in resources
    ]
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}, indent=indent).encode()


def ndjson(resources: Iterable[dict[str, Any]]) -> bytes:
    """A bulk export: a resource a line."""
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)
