import numpy as np
import pytest

from dgm_core import live


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"answer": 2, "choices": ["a", "b"]}, "0 to 1, not 2"),
        ({"answer": 0.5, "choices": ["a", "b"]}, "index"),
        ({"answer": 0.5}, "tolerance"),
    ],
)
def test_a_quiz_that_nobody_can_pass_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        live.quiz("?", why="", **arguments)


def test_a_plane_wants_as_many_labels_as_points():
    with pytest.raises(ValueError, match=r"points must be \(N, 2\)"):
        live.Plane(np.zeros((3, 2)), np.zeros(4), alt="")
