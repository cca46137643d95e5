"""Importance weights are p(x) where the proposal is the posterior, whoever proposes."""

import torch
from oracles import ppca
from torch.distributions import Independent, Normal

from dgm_core.objectives import log_weights


def test_weights_may_come_from_another_proposal():
    torch.manual_seed(0)
    model = ppca(latent_dim=1, event_dim=2, seed=3)
    x = model.marginal.sample((4,))
    exact = model.exact.encoder(x)
    q = Independent(Normal(exact.mean, exact.stddev), 1)  # one dimension: the posterior itself
    found = log_weights(model.rough, x, 3, proposal=q)
    torch.testing.assert_close(found, model.marginal.log_prob(x).expand(3, 4))
