"""Values are looked at once, and never where a function is traced, exported or compiled."""

import subprocess
import sys

import pytest
import torch
from contracts import SIGNED
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from dgm_core import objectives, training
from dgm_core.flows import affine_image_flow
from dgm_core.vae import mlp_vae

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")


def image_flow():
    return affine_image_flow((3,), (4,), side=4)


def looked_at(function):
    """Count the looks at values while a function runs."""
    count, ends = 0, torch.Tensor.aminmax

    def counted(self, *args, **kwargs):
        nonlocal count
        count += 1
        return ends(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "aminmax", counted)
        function()
    return count


COMPILED = """
import torch
from dgm_core.distributions import BernoulliPixels
from dgm_core.flows import affine_image_flow
pixels = BernoulliPixels(torch.nn.Linear(2, 16))
flow = affine_image_flow((3,), (4,), side=4)
def loss(x):
    return pixels(x[:, :2]).log_prob(x) + flow.log_prob(x)
x = torch.rand(3, 16)
compiled = torch.compile(loss, backend="eager", fullgraph=True)
torch.testing.assert_close(compiled(x), loss(x))
"""


def test_a_training_looks_at_values_in_its_first_step_alone():
    def train(steps):
        torch.manual_seed(0)
        vae = mlp_vae(2, hidden=4)
        loss = lambda x: -objectives.elbo(vae, x)  # noqa: E731
        training.fit(loss, vae.parameters(), torch.rand(steps, 3, 784), progress=False)

    assert looked_at(lambda: train(1)) == looked_at(lambda: train(5)) == 1


def test_a_training_on_pixels_below_0_stops_at_the_first_batch():
    vae = mlp_vae(2, hidden=4)
    before = [p.clone() for p in vae.parameters()]
    with pytest.raises(ValueError, match=r"x has values from -0\.99.*\(x \+ 1\) / 2"):
        training.fit(lambda x: -objectives.elbo(vae, x), vae.parameters(), SIGNED[None])
    assert all(torch.equal(*pair) for pair in zip(before, vae.parameters(), strict=True))


def test_no_value_is_looked_at_where_a_function_is_traced_exported_or_mapped():
    vae, flow = mlp_vae(2, hidden=4), image_flow()
    x = 9 * torch.ones(3, 784)  # out of range

    def loss(x):
        return vae.decoder(torch.zeros(len(x), 2)).log_prob(x)

    assert make_fx(loss)(x)(x).shape == (3,)
    assert torch.vmap(lambda one: vae.decoder(torch.zeros(2)).log_prob(one))(x).shape == (3,)

    class Loss(nn.Module):
        def __init__(self):
            super().__init__()
            self.vae, self.flow = vae, flow

        def forward(self, x):
            return self.vae.decoder(x[:, :2]).log_prob(x) + self.flow.log_prob(x[:, :16])

    exported = torch.export.export(Loss(), (x,)).module()
    inside = torch.rand(3, 784)
    torch.testing.assert_close(exported(inside), Loss()(inside))


def test_a_compiler_sees_one_graph():
    run = subprocess.run([sys.executable, "-c", COMPILED], capture_output=True, encoding="utf8")
    assert run.returncode == 0, run.stderr[-3000:]
