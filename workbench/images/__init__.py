"""Images looked at: a gallery with filters and search, one image with its report, predictions and explanation."""
