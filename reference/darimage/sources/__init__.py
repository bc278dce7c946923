"""Floor 1: where trees come from."""
