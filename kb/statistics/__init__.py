"""What figures are read off with: ranking, resampling, and tests that know of patients."""
