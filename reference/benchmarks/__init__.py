"""Measures darimage beside the programs people use today; see docs/benchmarks.rst."""
