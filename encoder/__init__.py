"""The image encoder and what is predicted with it. So far the folded projector; training is to come."""
