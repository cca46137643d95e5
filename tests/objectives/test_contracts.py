"""What a reader hands to an objective by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import math

import pytest
from contracts import SIGNED, made_of_none, normals, refused, zeros

from dgm_core import objectives
from dgm_core.vae import mlp_vae

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "logits": (lambda: objectives.game_value(zeros(4), zeros(4, 1)), "as many generated"),
        "a proposal": (
            lambda: objectives.log_weights(mlp_vae(2), zeros(4, 784), 4, proposal=normals(2)),
            "one distribution an example",
        ),
        "betas": (
            lambda: objectives.elbo(mlp_vae(2), zeros(3, 784), beta=zeros(3, 1)),
            "distortion_and_rate",
        ),
        "a single value": (lambda: objectives.log_mean_exp(zeros()), "single number"),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "elbo": (lambda: objectives.elbo(mlp_vae(2), SIGNED), r"\(x \+ 1\) / 2"),
        "iwae": (lambda: objectives.iwae_bound(mlp_vae(2), 255 * SIGNED.abs(), 2), "by 255"),
        "dimensions": (lambda: objectives.bits_per_dim(zeros(2), 0), "at least 1"),
        "allowance": (
            lambda: objectives.free_bits(mlp_vae(2), zeros(3, 784), math.nan),
            "free is nan",
        ),
    },
)


test_too_few_to_compute_with_is_refused = refused(
    ValueError,
    {
        "means": (lambda: objectives.log_mean_exp(zeros(0, 3)), "something to average"),
        "draws": (
            lambda: objectives.elbo(mlp_vae(2), zeros(3, 784), num_samples=0),
            "needs a draw",
        ),
    },
)


test_no_examples_make_no_results = made_of_none(
    {
        "bounds": (lambda: objectives.elbo(mlp_vae(2), zeros(0, 784)), (0,)),
    }
)
