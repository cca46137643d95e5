"""What a reader hands to a distribution by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
import torch
from contracts import made_of_none, normals, refused, zeros
from torch import nn

from dgm_core.distributions import (
    BernoulliPixels,
    DiagonalNormal,
    DiscretizedLogistic,
    NormalPixels,
    from_noise,
)

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "pixels": (
            lambda: BernoulliPixels(nn.Linear(2, 4))(zeros(3, 2)).log_prob(zeros(3, 1)),
            r"\(\.\.\., 4\) is expected",
        ),
        "mean and log-variance": (
            lambda: DiagonalNormal(lambda x: (x, x[:, :1]))(zeros(3, 2)),
            "log_variance",
        ),
        "noise": (lambda: from_noise(normals(3, 2), zeros(5, 1, 2)), r"\(\.\.\., 3, 2\)"),
        "scales of pixels": (lambda: DiscretizedLogistic(zeros(3), zeros(1, 3)), "one shape"),
        "normal pixels": (
            lambda: NormalPixels(nn.Linear(2, 4))(zeros(3, 2)).log_prob(zeros(3, 1)),
            r"\(\.\.\., 4\) is expected",
        ),
    },
)


test_a_type_that_means_another_scale_is_refused = refused(
    TypeError,
    {
        "samples of a pixel": (
            lambda: DiscretizedLogistic(zeros(3), torch.ones(3)).sample(5),
            "for five samples",
        ),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "grey": (
            lambda: DiscretizedLogistic(zeros(3), torch.ones(3)).log_prob(zeros(3) + 9),
            "255",
        ),
        "log-scales": (
            lambda: DiscretizedLogistic(zeros(3), zeros(3) - 1),
            "not their logarithms",
        ),
        "width of pixels": (lambda: NormalPixels(nn.Linear(2, 4), scale=-1.0), "scale is -1.0"),
        "quantiles": (
            lambda: DiscretizedLogistic(zeros(3), torch.ones(3)).icdf(zeros(3) + 2),
            "give probabilities",
        ),
    },
)


test_no_examples_make_no_results = made_of_none(
    {
        "normal pixels": (
            lambda: NormalPixels(nn.Linear(2, 4))(zeros(0, 2)).log_prob(zeros(0, 4)),
            (0,),
        ),
    }
)


def test_grey_pixels_are_a_mean_over_coins():
    coin = BernoulliPixels(nn.Identity())(torch.tensor([[2.0, -1.0]]))
    of_ends = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    middle = coin.log_prob(of_ends.mean(0, keepdim=True))
    torch.testing.assert_close(middle, coin.log_prob(of_ends).mean(0, keepdim=True))
