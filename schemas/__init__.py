"""The one definition of every stored table, of the extraction output, and of the terms both use."""
