"""A shape is told as a reader would write it."""

from dgm_core import checks


def test_the_words_of_a_shape():
    assert checks.sizes((5,)) == "(5,)" and checks.sizes(("B", 2)) == "(B, 2)"
