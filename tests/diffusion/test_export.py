"""What a page runs: the export of samplers, models and walks agrees with PyTorch, or it raises."""

import pytest
import torch

from dgm_core import energy
from dgm_core.autoregressive import MADE, PixelCNN
from dgm_core.diffusion import (
    DigitDenoiser,
    DigitUnmasker,
    TimeMLP,
    ancestral,
    cosine_path,
    ddim,
    euler,
    exact_denoiser,
    flow_matching_loss,
    guided,
    heun,
    mixed_path,
    ode_log_prob,
    straight_path,
    unmask,
    velocity_on,
)
from dgm_core.live.export import to_onnx
from dgm_core.mixtures import Mixture

PAIR = Mixture(
    torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), torch.tensor([0.1, 0.3]), torch.full((2,), 0.5)
)
Z = torch.linspace(-1, 1, 8).view(4, 2)


def share(amount):
    return mixed_path(straight_path, cosine_path, amount)


FIGURES = {
    "bend the road": (
        lambda amount, z: {"x": heun(velocity_on(share(amount), exact_denoiser(PAIR)), z, 3)},
        {"amount": torch.tensor(0.3), "z": Z},
    ),
    "ddim": (
        lambda z: {"x": ddim(exact_denoiser(PAIR), z, [-8.0, -1.0, 2.0])},
        {"z": Z},
    ),
    "ancestral": (
        lambda z, noise: {"x": ancestral(exact_denoiser(PAIR), z, [-8.0, -1.0, 2.0], noise)},
        {"z": Z, "noise": torch.ones(2, 4, 2)},
    ),
    "guidance": (
        lambda weight, z: {
            "x": ddim(
                guided(exact_denoiser(PAIR), exact_denoiser(PAIR.part(1)), weight),
                z,
                [-8.0, -1.0, 2.0],
            )
        },
        {"weight": torch.tensor(2.0), "z": Z},
    ),
    "density": (
        lambda z: {
            "log": ode_log_prob(
                velocity_on(straight_path, exact_denoiser(PAIR)), z, 2, solver=heun
            )
        },
        {"z": Z},
    ),
    "langevin": (
        lambda z, noise, step: {"x": energy.langevin(PAIR.score, z, step, noise)},
        {"z": Z, "noise": torch.ones(2, 4, 2), "step": torch.tensor(0.1)},
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_of_the_plane_runs_on_a_page(name):
    to_onnx(*FIGURES[name])


def test_digits_are_denoised_on_a_page():
    model = DigitDenoiser((8, 8), (1, 1, 1), condition=16)
    to_onnx(
        lambda z, log_snr: {"x": model(z, log_snr).data},
        {"z": torch.randn(1, 784), "log_snr": torch.zeros(1)},
    )
    to_onnx(
        lambda z: {"x": euler(velocity_on(straight_path, model), z, 2)}, {"z": torch.randn(1, 784)}
    )


def test_a_rubbed_out_digit_grows_on_a_page():
    model = DigitUnmasker((8, 8), (1, 1, 1))
    inputs = ("x", "known", "rank", "uniform")
    to_onnx(
        lambda x, known, rank, uniform: {"x": unmask(model, x, known, 2, rank, uniform)},
        {name: torch.rand(1, 784) for name in inputs} | {"known": torch.rand(1, 784).round()},
    )


@pytest.mark.parametrize("model", [MADE(16, (8,)), PixelCNN(4, 8, 8, 1)])
def test_the_price_of_every_pixel_is_computed_on_a_page(model):
    logits = model.logits if isinstance(model, MADE) else model.pixel_logits
    to_onnx(lambda x: {"logits": logits(x)}, {"x": torch.rand(1, 16).round()})


def test_a_step_of_flow_matching_runs_on_a_page():
    model = TimeMLP(2, (8,))
    from dgm_core.training import adam_descent, adam_state

    def step(state, x, time, noise):
        def loss(model):
            return flow_matching_loss(model, x, time, noise).mean(), {}

        state, _, value, _ = adam_descent(loss, model, state, torch.zeros(2), 1e-3)
        return {"state": state, "loss": value}

    to_onnx(
        step,
        {"state": adam_state(model), "x": Z, "time": torch.full((4,), 0.3), "noise": Z.flip(0)},
    )
