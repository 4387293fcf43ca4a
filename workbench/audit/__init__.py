"""The audit page: runs side by side, why they fail, and SQL over their predictions."""
