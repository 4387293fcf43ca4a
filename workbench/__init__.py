"""The workbench in the browser: the vocabulary, its review, the images and the audit as pages of one server."""
