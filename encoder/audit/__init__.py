"""The audit where an encoder is at hand: the vectors of concepts and images in SQL, attribution, confounders."""
