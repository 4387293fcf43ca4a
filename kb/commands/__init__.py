"""The knowledge base's commands: parse, call one library function, print."""
