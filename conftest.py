"""Pytest's root: notebooks that it executes are kept for the build; each test stands alone."""

pytest_plugins = ["notebook_hooks", "isolation"]
