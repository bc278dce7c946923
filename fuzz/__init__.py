"""Random images and damage: strategies, properties and coverage-guided targets (docs: fuzzing)."""
