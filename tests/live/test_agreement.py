"""How far a page is from PyTorch, where numbers are none, too."""

import numpy as np
import pytest

from dgm_core.live.agreement import relative_error


@pytest.mark.parametrize(
    ("got", "want", "error"),
    [
        ([1.0, np.nan], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [1.0, np.nan], np.inf),
        ([np.nan, 1.0], [np.nan, 2.0], 0.5),
        ([np.inf], [-np.inf], np.inf),
        ([1.0], [[1.0]], np.inf),
        ([1.0, 3.0], [2.0, 4.0], 0.25),
    ],
)
def test_relative_error_is_never_hidden_by_nan(got, want, error):
    assert relative_error(np.array(got), np.array(want)) == error
