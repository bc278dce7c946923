"""Shared parts of the tests: real trees, a tree comparer, real `dump` and `restore` as judge."""
