"""What each speed claim is measured with: ratios from one run, medians of repeated rounds."""
