"""The ingest's commands: parse, call one library function, print."""
