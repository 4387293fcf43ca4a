"""Pictures for tests, and the files that hospitals store such pictures in."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

SECONDARY_CAPTURE, DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.1.1"
"""What kind of picture a DICOM file says that it holds."""


def chest(width: int = 120, height: int = 160) -> np.ndarray:
    """A picture that is dark above and bright below, with a bright spot on the left: uint8 (height, width)."""
    pixels = np.linspace(0, 220, height).repeat(width).reshape(height, width)
    pixels[20:40, 10:30] = 255
    return pixels.astype(np.uint8)


def encoded(pixels: np.ndarray, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def dicom(stored: np.ndarray, *, sop_class: str = SECONDARY_CAPTURE, **elements: Any) -> bytes:
    """A DICOM file of one picture, uint16 or uint8, with any further elements."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = stored.dtype.itemsize * 8
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    dataset.PixelData = stored.tobytes()
    for name, value in elements.items():
        setattr(dataset, name, value)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def as_uint16(pixels: np.ndarray, scale: int = 16) -> np.ndarray:
    return pixels.astype(np.uint16) * scale


def recompressed(data: bytes, syntax: str) -> bytes:
    """A DICOM file in another transfer syntax by the name that GDCM gives it ("JPEGLosslessProcess14_1")."""
    import tempfile
    from pathlib import Path

    import gdcm

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.dcm", Path(folder) / "after.dcm"
        before.write_bytes(data)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(before))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
        change.SetInput(reader.GetImage())
        assert change.Change(), syntax
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(after))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return after.read_bytes()


def deflated(data: bytes) -> bytes:
    """A DICOM file with the data set behind its header deflated."""
    import pydicom

    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
