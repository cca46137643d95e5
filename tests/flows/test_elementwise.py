"""Maps of one number: each makes a density of the line or of an interval, of mass 1."""

import pytest
import torch
from scipy.integrate import trapezoid

from dgm_core.flows import Affine, Cube, Flow, Logit


@pytest.mark.parametrize("bijection", [Cube(), Affine(torch.tensor([0.4]), torch.tensor([-0.7]))])
def test_a_density_on_the_line_integrates_to_one(bijection):
    flow = Flow(bijection.double(), (1,)).double()
    x = torch.linspace(-8, 8, 20_001).double()
    assert trapezoid(flow.log_prob(x[:, None]).exp(), x) == pytest.approx(1, abs=1e-6)


def test_a_density_on_an_interval_integrates_to_one():
    flow = Flow(Logit(0.0), (1,)).double()
    x = (torch.arange(20_000).double() + 0.5) / 20_000
    assert flow.log_prob(x[:, None]).exp().mean().item() == pytest.approx(1, abs=1e-6)
