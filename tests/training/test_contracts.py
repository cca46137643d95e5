"""What a reader hands to a training by mistake is refused, with what is right.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
import torch
from contracts import refused, zeros
from torch import nn

from dgm_core import training

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


def weight():
    return zeros(3).requires_grad_()


SHARED = weight()


test_a_shape_that_torch_would_stretch_or_cut_is_refused = refused(
    ValueError,
    {
        "parameters": (
            lambda: training.named_parameters(nn.Linear(2, 1), zeros(9)),
            "architecture",
        ),
        "gradient": (lambda: training.adam_step(zeros(3, 4), zeros(1), zeros(2), 0.1), "each"),
    },
)


test_a_type_that_means_another_scale_is_refused = refused(
    TypeError,
    {
        "batches one by one": (
            lambda: training.fit(lambda x: SHARED * x, [SHARED], (zeros(3) for _ in range(2))),
            "give a list",
        ),
        "a module": (
            lambda: training.fit(lambda x: x, nn.Sequential(nn.Linear(1, 1)), zeros(2, 3)),
            r"give its \.parameters\(\)",
        ),
        "a loss that is a number": (
            lambda: training.fit(lambda x: x.mean().item(), [weight()], zeros(2, 3)),
            r"leave out \.item\(\)",
        ),
        "what a callback says": (
            lambda: training.fit(
                lambda x: SHARED * x, [SHARED], zeros(1, 3), callback=lambda step: 0.0
            ),
            "numbers by name",
        ),
        "parts": (
            lambda: training.fit_average(
                nn.Linear(1, 1),
                lambda model, x: model(x)[:, 0],
                zeros(8, 1),
                lambda batch: batch,
                epochs=1,
                batch_size=4,
            ),
            r"\(x,\) for one",
        ),
    },
)


test_values_out_of_range_are_refused = refused(
    ValueError,
    {
        "norm": (lambda: training.descend(zeros(1), None, -1.0), "clip_norm is -1.0, but more"),
        "one rate for two": (
            lambda: training.play(
                (sum, [weight()]), (sum, [weight()]), zeros(1, 3), learning_rates=1
            ),
            "the generator's",
        ),
        "losses cut off": (
            lambda: training.fit(lambda x: (SHARED * x).detach(), [SHARED], zeros(2, 3)),
            r"without \.detach",
        ),
        "losses without gradients": (
            lambda: torch.no_grad()(training.fit)(lambda x: SHARED * x, [SHARED], zeros(2, 3)),
            r"outside of torch\.no_grad",
        ),
        "another model's parameters": (
            lambda: training.fit(lambda x: weight() * x, [weight()], zeros(2, 3)),
            "give both the same model",
        ),
    },
)


test_too_few_to_compute_with_is_refused = refused(
    ValueError,
    {
        "losses": (lambda: training.descend(zeros(0), None), "number of losses is 0"),
        "an optimizer": (lambda: training.adam([], 1e-3), "number of parameters is 0"),
        "training": (lambda: training.fit(lambda x: x, [zeros(1)], zeros(0, 4, 2)), "needs data"),
        "parameters": (lambda: training.fit(lambda x: x, [], zeros(2, 4)), "no parameters"),
    },
)
