"""Hypothesis strategies, for the properties here and for the tests of the package."""
