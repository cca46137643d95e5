"""Pytest's root: `pytest --nbmake` leaves what it executes where the book's build reads it."""

pytest_plugins = ["notebook_hooks"]
