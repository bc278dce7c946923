"""Floor 2: tapes, and files that hold what is on one (chapter 37)."""
