"""What a prediction is made of, and images found by what they show."""
