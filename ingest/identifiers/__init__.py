"""What tells who somebody is, found in the text of a report and taken out before it is mined."""
