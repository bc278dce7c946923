"""Floor 5: vectors, what they are made from, and what they are held against."""
