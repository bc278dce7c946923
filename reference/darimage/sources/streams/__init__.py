"""Where sources keep NT alternate data streams, a module a form (chapter 72)."""
