"""What is checked on the pages of the built book; ``visits`` opens them, test_pages.py reports.

A check is a function of a visit with plain asserts. It belongs to one or more stages of visits;
the order of the imports below, and in each module, is the order in which a stage is gone through.
"""

from page_checks import openings, figures, text, causes, controls, quizzes, paper, reading  # noqa: F401, I001
