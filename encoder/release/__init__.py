"""The published CLEAR release: one file of weights (DINOv2 and CLIP's text transformer) as a checkpoint of ours."""
