"""Floor 0: what drives take to go and to read, and the plan to seek or to read on."""
