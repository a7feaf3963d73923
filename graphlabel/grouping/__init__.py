"""Supernode suggestions: which nodes belong together, and why."""
