"""The page of an audit: one HTML file that needs no network and no script; drawn from `ReportData` and nothing else."""
