"""Vision backbones of whatever library: built, read, filled with pretrained weights, and tried before they are used."""
