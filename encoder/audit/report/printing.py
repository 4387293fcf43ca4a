"""The page as a PDF, printed by WeasyPrint: the same sections on paper, everything folded laid open."""

from __future__ import annotations

from types import ModuleType

from encoder.audit.page.charts.palette import by_value
from kb.errors import ClearKbError


def check_printer() -> None:
    """Refuse to print where it cannot be done (ClearKbError), before the work begins."""
    _printer()


def printed(page: str) -> bytes:
    """A page as PDF, with its headings as bookmarks and tagged for screen readers; nothing is fetched."""
    printer = _printer()
    # Its SVG knows no names of colours.
    html = printer.HTML(string=by_value(page), url_fetcher=printer.urls.URLFetcher(allowed_protocols={"data"}))
    found: bytes = html.write_pdf(pdf_tags=True)
    return found


def _printer() -> ModuleType:
    from PIL import ImageFile

    strict = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        import weasyprint
    except ImportError as error:
        raise ClearKbError("a PDF is printed by WeasyPrint, which is not here: pip install 'clear-kb[pdf]'") from error
    except OSError as error:
        raise ClearKbError(
            "a PDF is printed by WeasyPrint, which is here, but not the library Pango that it needs: install that "
            "(libpango-1.0-0, libpangoft2-1.0-0; on a Mac, brew install pango)"
        ) from error
    finally:
        # It lets Pillow fill in what is missing of a cut picture, for all that this process reads.
        ImageFile.LOAD_TRUNCATED_IMAGES = strict
    module: ModuleType = weasyprint
    return module
