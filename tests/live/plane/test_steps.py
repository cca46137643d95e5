"""The pure steps of a flow and of a GAN are those of PyTorch's optimizers."""

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from dgm_core import objectives
from dgm_core.flows import coupling_flow
from dgm_core.gan import Discriminator, Generator
from dgm_core.live.plane import flow_step, gan_step
from dgm_core.targets import Ring
from dgm_core.training import adam_state


@pytest.mark.parametrize(
    "loss_fn", [objectives.minimax_generator_loss, objectives.nonsaturating_generator_loss]
)
def test_a_step_is_that_of_the_loop_of_a_chapter(loss_fn):
    torch.manual_seed(0)
    generator = Generator(2, (9, 8), 2, batch_norm=False, dropout=0.0, bounded=False).double()
    discriminator = Discriminator(2, (9, 8), dropout=0.0).double()
    state = {
        "generator": adam_state(generator),
        "discriminator": adam_state(discriminator),
        "ones": torch.zeros(2).double(),
    }
    templates = (
        Generator(2, (9, 8), 2, batch_norm=False, dropout=0.0, bounded=False),
        Discriminator(2, (9, 8), dropout=0.0),
    )
    adam_g = torch.optim.Adam(generator.parameters(), lr=1e-2, betas=(0.5, 0.999))
    adam_d = torch.optim.Adam(discriminator.parameters(), lr=3e-3, betas=(0.5, 0.999))
    rate = torch.tensor(1e-2, dtype=torch.float64)
    for _ in range(20):
        x, z = Ring().sample((32,)).double(), torch.randn(2, 32, 2).double()
        out = gan_step(*templates, state, x, z, (3e-3, rate), loss_fn)
        state = {name: out[name] for name in state}

        loss_d = objectives.discriminator_loss(
            discriminator(x), discriminator(generator(z[0]).detach())
        ).mean()
        adam_d.zero_grad()
        loss_d.backward()
        adam_d.step()
        fake = generator(z[1])
        loss_g = loss_fn(discriminator(fake)).mean()
        adam_g.zero_grad()
        loss_g.backward()
        adam_g.step()

        torch.testing.assert_close(out["discriminator_loss"], loss_d.detach())
        torch.testing.assert_close(out["generator_loss"], loss_g.detach())
        torch.testing.assert_close(out["fake"], fake.detach())
        for name, module in (("generator", generator), ("discriminator", discriminator)):
            expected = parameters_to_vector(module.parameters()).detach()
            torch.testing.assert_close(state[name][0], expected, rtol=1e-8, atol=1e-8)


def test_a_step_leaves_what_it_is_given_as_it_was():
    torch.manual_seed(0)
    generator = Generator(2, (4,), 2, batch_norm=False, dropout=0.0, bounded=False)
    discriminator = Discriminator(2, (4,), dropout=0.0)
    state = {
        "generator": adam_state(generator),
        "discriminator": adam_state(discriminator),
        "ones": torch.zeros(2),
    }
    before = {name: value.clone() for name, value in state.items()}
    networks = [p.clone() for m in (generator, discriminator) for p in m.parameters()]
    z, rate = torch.randn(2, 8, 2), torch.tensor(0.1)
    networks_and_state = generator, discriminator, state
    out = gan_step(*networks_and_state, torch.randn(8, 2), z, (rate, rate))
    for name, value in before.items():
        assert torch.equal(state[name], value) and not torch.equal(out[name], value)
        assert not out[name].requires_grad
    after = [p for m in (generator, discriminator) for p in m.parameters()]
    assert all(torch.equal(*pair) for pair in zip(networks, after, strict=True))


def test_a_step_of_a_flow_is_that_of_pytorch():
    torch.manual_seed(0)
    flow, template = coupling_flow(2, 2, 6).double(), coupling_flow(2, 2, 6).double()
    adam = torch.optim.Adam(flow.parameters(), lr=1e-2)
    state = {"flow": adam_state(flow), "ones": torch.zeros(2).double()}
    for _ in range(5):
        x = torch.randn(16, 2).double()
        out = flow_step(template, state, x, 1e-2)
        state = {name: out[name] for name in state}
        loss = -flow.log_prob(x).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        torch.testing.assert_close(out["loss"], loss.detach())
        expected = parameters_to_vector(flow.parameters()).detach()
        torch.testing.assert_close(state["flow"][0], expected, rtol=1e-8, atol=1e-8)
