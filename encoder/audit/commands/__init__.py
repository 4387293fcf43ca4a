"""`clear-kb audit ...`: parse, call one library function, print."""
