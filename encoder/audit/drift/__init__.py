"""What changed over time: performance, scores, prevalence, calibration, and what is in the images."""
