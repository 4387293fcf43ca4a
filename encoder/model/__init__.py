"""The networks of an encoder, and how they are described, saved and loaded."""
