"""What a model leans on that is not the disease."""
