"""Floor 1: where the bytes of an image go to and come from."""
