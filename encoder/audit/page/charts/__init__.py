"""The charts of the page: drawn by matplotlib, shown as SVG within the page, in its colours and its letters."""
