"""The bound that weighs the gap between codes and prior, against its parts."""

import pytest
import torch
from oracles import ppca

from dgm_core.evaluation import prior_gap
from dgm_core.objectives import log_weights, spread_elbo


def test_a_spread_bound_of_weight_one_is_the_elbos_estimate():
    torch.manual_seed(0)
    model = ppca()
    x = model.marginal.sample((6,))
    noise = torch.randn(1, 6, 3, dtype=torch.float64)
    torch.manual_seed(1)
    found = spread_elbo(model.rough, x, 100, weight=1.0)
    torch.manual_seed(1)
    z = model.rough.encoder(x).rsample()
    noise = ((z - model.rough.encoder(x).mean) / model.rough.encoder(x).stddev)[None]
    torch.testing.assert_close(found, log_weights(model.rough, x, 1, noise)[0])


def test_a_spread_bound_loses_the_gap_between_codes_and_prior_as_often_as_it_weighs():
    """With the whole data as its batch, the mixture of posteriors is summed up in full."""
    torch.manual_seed(0)
    model = ppca()
    x = 3 + model.marginal.sample((50,))
    bounds = []
    for weight in (1.0, 4.0):
        torch.manual_seed(1)
        bounds.append(spread_elbo(model.rough, x, 50, weight).mean())
    torch.manual_seed(1)
    gap = prior_gap(model.rough, x)
    torch.testing.assert_close(bounds[0] - bounds[1], 3 * gap)


@pytest.mark.parametrize(("batch", "data"), [(1, 10), (4, 3)])
def test_a_spread_bound_wants_other_examples(batch, data):
    model = ppca()
    with pytest.raises(ValueError, match="at least 2 of them"):
        spread_elbo(model.rough, model.marginal.sample((batch,)), data, weight=2.0)
