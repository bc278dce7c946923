"""Floor 2: where trees come from."""
