"""The image encoder and what is predicted with it. Its parts arrive with the encoder issue."""
