import itertools
import math

import pytest
import torch
from torch.testing import assert_close

from dgm_core import data
from dgm_core.flows import CoarseToFine, Flow, bin_of
from dgm_core.flows.pyramid_nets import Head
from dgm_core.live.export import to_onnx

SMALL = ((6, (1, 0, 1)), (7, (1, 1, 1)), (5, (0, 0, 1)), (4, (0, 1, 0)), (6, (0, 0, 0)))


def small(side=4, bins=5, histogram=None):
    """Make a flow of double precision, far from where learning starts."""
    torch.manual_seed(0)
    levels = SMALL[: (side - 1).bit_length()]
    flow = CoarseToFine(side, bins, levels, hidden=8, histogram=histogram).double()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return flow


def draw(flow, count=6):
    """Draw images, their noise within the bins, and their dequantized form."""
    images = torch.randint(flow.bins, (count, flow.side, flow.side))
    inside = torch.rand(count, flow.side**2).double() * 0.98 + 0.01
    return images.to(torch.uint8), inside, (images.flatten(1) + inside) / flow.bins


# The flow


@pytest.mark.parametrize("side", [2, 4, 5, 7, 28])
def test_forward_and_inverse_undo_each_other(side):
    flow = small(side)
    with torch.no_grad():
        z = torch.rand(3, side**2).double()
        x, log_det = flow(z)
        again, minus = flow.inverse(x)
        torch.testing.assert_close(again, z, rtol=0, atol=1e-10)
        torch.testing.assert_close(minus, -log_det)
        x = draw(flow)[2]
        torch.testing.assert_close(flow(flow.inverse(x)[0])[0], x, rtol=0, atol=1e-9)


def test_the_log_determinant_is_that_of_the_jacobian():
    flow = small(4)
    for x in draw(flow, count=3)[2]:
        jacobian = torch.autograd.functional.jacobian(lambda x: flow.inverse(x[None])[0][0], x)
        expected = torch.linalg.slogdet(jacobian)[1]
        torch.testing.assert_close(flow.inverse(x[None])[1][0], expected)


def test_the_probabilities_of_all_images_add_up_to_one():
    flow = small(side=2, bins=3)
    images = torch.tensor(list(itertools.product(range(3), repeat=4)), dtype=torch.uint8)
    mass = flow.log_mass(images.view(-1, 2, 2)).exp()
    assert mass.max() > 2 * mass.min()
    torch.testing.assert_close(mass.sum(), torch.ones((), dtype=torch.float64))


def test_samples_are_as_frequent_as_their_probability():
    flow = small(side=2, bins=3)
    samples = Flow(flow, (4,), uniform=True).double().sample((40_000,))
    index = (bin_of(samples, 3) * torch.tensor([27, 9, 3, 1])).sum(1)
    images = torch.tensor(list(itertools.product(range(3), repeat=4)), dtype=torch.uint8)
    mass = flow.log_mass(images.view(-1, 2, 2)).exp()
    expected = 40_000 * mass
    chi_square = ((index.bincount(minlength=81) - expected).square() / expected).sum()
    assert chi_square < 80 + 4 * math.sqrt(160)


@pytest.mark.parametrize("side", [4, 7])
def test_dequantization_costs_nothing(side):
    """The density is constant on a bin, so that it is the image's probability, rescaled."""
    flow = small(side)
    images, _, x = draw(flow)
    middle = (images.flatten(1) + 0.5).double() / flow.bins
    log_prob = Flow(flow, (side**2,), uniform=True).double().log_prob
    torch.testing.assert_close(log_prob(x), log_prob(middle))
    expected = flow.log_mass(images) + side**2 * math.log(flow.bins)
    torch.testing.assert_close(log_prob(x), expected)


def test_a_pixel_depends_only_on_those_drawn_before_it():
    """Coarse before fine; in a cell of 2 x 2, first (1, 1), then (0, 1), then (1, 0)."""
    flow = small(4)
    image = draw(flow, 1)[0]

    def order(row, column):
        spacing = next(s for s in (4, 2, 1) if row % s == 0 and column % s == 0)
        cell = (row // spacing % 2, column // spacing % 2)
        return -spacing, [(0, 0), (1, 1), (0, 1), (1, 0)].index(cell)

    pixels = list(itertools.product(range(4), repeat=2))
    before = flow.pixel_log_masses(image)[0]
    all_moved = {}
    for changed in pixels:
        other = image.clone()
        other[0][changed] = (other[0][changed] + 1) % flow.bins
        moved = (flow.pixel_log_masses(other)[0] - before).abs() > 1e-12
        assert moved[changed]
        for pixel in pixels:
            if pixel != changed and order(*pixel) <= order(*changed):
                assert not moved[pixel]
        all_moved[changed] = moved
    for corner in itertools.product((0, 2), repeat=2):  # and it does look at its neighbours
        row, column = corner
        assert all_moved[corner][row : row + 2, column : column + 2].all()
        assert all_moved[row + 1, column + 1][row, column + 1]
        assert all_moved[row + 1, column + 1][row + 1, column]
        assert all_moved[row, column + 1][row + 1, column]


def zeroed(**options):
    """Make a flow that looks at nothing: it is where learning starts."""
    flow = CoarseToFine(side=7, levels=SMALL[:3], hidden=8, **options).double()
    with torch.no_grad():
        for level in flow.levels:
            level.head.ink.weight.zero_()
            level.head.shade[-1].weight.zero_()
    return flow


def test_a_uniform_model_has_exactly_eight_bits():
    images = torch.randint(256, (3, 7, 7), dtype=torch.uint8)
    bits = -zeroed().log_mass(images) / 49 / math.log(2)
    torch.testing.assert_close(bits, torch.full((3,), 8.0).double(), rtol=1e-7, atol=0)


def test_learning_starts_at_the_histogram():
    images = torch.randint(200, (3, 7, 7), dtype=torch.uint8)
    histogram = torch.arange(256) % 7 * 1000
    frequencies = (histogram + 1).double() / (histogram + 1).sum()
    log_masses = zeroed(histogram=histogram).pixel_log_masses(images)
    expected = frequencies.log()[images.long()]
    torch.testing.assert_close(log_masses, expected, rtol=1e-6, atol=1e-6)


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    flow = CoarseToFine()
    flow.log_mass(torch.randint(256, (2, 28, 28), dtype=torch.uint8)).sum().backward()
    for name, parameter in flow.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_an_accelerator_computes_what_a_cpu_computes():
    """For all pixels what a CPU computes for ink alone, and the same gradients."""
    torch.manual_seed(0)
    head = Head(6, 8, torch.arange(1, 17)).double()
    places = torch.randn(40, 6, dtype=torch.double, requires_grad=True)
    value = torch.randint(0, 16, (40,)) * (torch.rand(40) < 0.5)
    results = head._of_ink_alone(places, value), head._of_all(places, value)
    assert_close(*results, rtol=1e-12, atol=0)
    assert (results[0] == 0).sum() == (value == 0).sum() > 0
    inputs = [places, *head.shade.parameters()]
    weights = torch.randn(40, dtype=torch.double)
    one, other = (torch.autograd.grad(r @ weights, inputs, allow_unused=True) for r in results)
    assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_dropout_is_for_training_only():
    torch.manual_seed(0)
    grey = torch.randint(0, 256, (3, 7, 7), dtype=torch.uint8)
    flow = CoarseToFine(7, levels=SMALL[:3], hidden=8, dropout=0.5)
    assert not torch.equal(flow.log_mass(grey), flow.log_mass(grey))
    assert torch.equal(flow.eval().log_mass(grey), flow.log_mass(grey))


def test_an_image_without_ink_can_be_learned_from():
    flow = small()
    flow.log_mass(torch.zeros(2, 4, 4, dtype=torch.uint8)).sum().backward()
    assert all(p.grad.isfinite().all() for p in flow.parameters())


def test_levels_that_do_not_fit_the_side_are_refused():
    with pytest.raises(ValueError, match="4 levels for images of 28 x 28: give 5"):
        CoarseToFine(28, levels=SMALL[:4])


# Drawing the fine pixels again


@pytest.mark.parametrize("side", [4, 7])
def test_what_is_kept_is_kept_and_the_rest_is_drawn(side):
    flow = small(side)
    x, z = draw(flow)[2], torch.rand(6, side**2).double()
    for kept in (1, 2, 4, 8, 16):
        new = flow.redraw(x, z, kept).unflatten(1, (side, side))
        old = x.unflatten(1, (side, side))
        stays = torch.zeros(side, side, dtype=torch.bool)
        if kept <= 2 ** len(flow.levels):
            stays[::kept, ::kept] = True
        assert torch.equal(new[:, stays], old[:, stays])
        assert (new != old)[:, ~stays].all()
        assert torch.equal(flow.redraw(x, z, torch.tensor(float(kept))), new.flatten(1))


def test_the_noise_of_an_image_draws_it_again_from_any_level_on():
    flow = small(7)
    x = draw(flow)[2]
    z = flow.inverse(x)[0]
    for kept in (1, 2, 4, 8, 16):
        torch.testing.assert_close(flow.redraw(x, z, kept), x, rtol=0, atol=1e-9)


def test_nothing_kept_is_a_sample():
    flow = small(7)
    z = torch.rand(5, 49).double()
    torch.testing.assert_close(flow.redraw(torch.zeros(5, 49).double(), z, 16), flow(z)[0])


def test_it_runs_in_a_page():
    torch.manual_seed(0)
    flow = CoarseToFine(3, 16, SMALL[:2], hidden=8).eval()
    example = {"x": torch.rand(2, 9), "z": torch.rand(2, 9), "kept": torch.tensor(2.0)}
    exported = to_onnx(lambda x, z, kept: {"new": flow.redraw(x, z, kept)}, example)
    assert list(exported.outputs) == ["new"] and len(exported.onnx) > 1000


def test_in_single_precision_samples_are_images():
    torch.manual_seed(0)
    images = data.mnist("train")[0][:500]
    flow = CoarseToFine(histogram=torch.bincount(images.flatten().long(), minlength=256)).eval()
    x = Flow(flow, (784,), uniform=True).sample((4,))
    assert x.shape == (4, 784) and (x >= 0).all() and (x < 1).all()
    again = Flow(flow, (784,), uniform=True).log_prob(x)
    grey = bin_of(x, 256).to(torch.uint8).unflatten(1, (28, 28))
    torch.testing.assert_close(again, flow.log_mass(grey) + 784 * math.log(256))
