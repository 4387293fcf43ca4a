"""Groups and segments of patients: how a run does in each at the threshold that all share."""
