"""Floor 1: a module a part of the image, each with its encode and its decode side by side."""
