"""The ingest of reports as a job: intake, mining, staging, publishing; resumed where it stopped."""
