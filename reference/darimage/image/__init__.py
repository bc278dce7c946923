"""Floor 3: an image as a whole, written and read."""
