"""What the page of an audit shows, gathered as plain data."""
