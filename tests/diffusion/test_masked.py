"""Masked diffusion against enumeration of all vectors, all masks and all orders."""

import itertools
import math

import pytest
import torch
from oracles import assert_mean_is, every_bits
from torch.testing import assert_close

from dgm_core.diffusion import DigitUnmasker, masked_loss, order_loss, unmask

BITS = 4


def joint(bits=BITS, seed=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2**bits, generator=generator, dtype=torch.float64).mul(1.5).softmax(0)


def exact(table, bits=BITS):
    """The unmasker that knows the joint distribution: P(x_d = 1 given what is known)."""
    every = every_bits(bits)

    def model(x, known):
        fits = ((every[None] == x[:, None]) | (known[:, None] < 0.5)).all(2).double() * table
        ink = (fits @ every).clamp(1e-12)
        return ink.log() - (fits @ (1 - every)).clamp(1e-12).log()

    return model


def wrong(x, known):
    """An unmasker that is no conditional of any distribution."""
    weights = torch.linspace(-1, 1, BITS * BITS, dtype=torch.float64).view(BITS, BITS)
    return (2 * x - 1) * known @ weights + 0.3 * known.sum(1, keepdim=True) - 0.2


def mean_over_orders(model, x):
    orders = torch.tensor(list(itertools.permutations(range(BITS))))
    return sum(order_loss(model, x, order.expand(len(x), BITS)) for order in orders) / len(orders)


def mean_over_masks(model, x):
    """The integral over t of the masked loss, exactly: a beta function for each set of hidden."""
    total = torch.zeros(len(x), dtype=torch.float64)
    for hidden in every_bits(BITS)[1:]:
        count = int(hidden.sum())
        weight = math.gamma(count) * math.gamma(BITS - count + 1) / math.gamma(BITS + 1)
        uniform = (1 - hidden).expand(len(x), BITS)  # hidden where it is below t = 1
        total += weight * masked_loss(model, x, torch.ones(len(x)).double(), uniform)
    return total


@pytest.mark.parametrize("model", [exact(joint()), wrong], ids=["exact", "wrong"])
def test_the_mean_over_masks_is_the_mean_over_orders(model):
    x = every_bits(BITS)
    assert_close(mean_over_masks(model, x), mean_over_orders(model, x))


def test_the_exact_model_pays_the_same_in_every_order():
    x, table = every_bits(BITS), joint()
    for order in itertools.permutations(range(BITS)):
        found = order_loss(exact(table), x, torch.tensor(order).expand(16, BITS))
        assert_close(found, -table.log())


def test_a_wrong_model_s_bound_is_a_bound():
    """The mean of -log over orders is above -log of the mean, which is a distribution's."""
    x = every_bits(BITS)
    orders = torch.tensor(list(itertools.permutations(range(BITS))))
    each = torch.stack([order_loss(wrong, x, order.expand(16, BITS)) for order in orders])
    assert_close(torch.exp(-each).sum(1), torch.ones(24).double())
    mixture = -((-each).logsumexp(0) - math.log(24))
    assert (mean_over_masks(wrong, x) > mixture).all()


def test_an_estimate_is_unbiased():
    torch.manual_seed(0)
    x = every_bits(BITS)[5].expand(200_000, BITS)
    assert_mean_is(masked_loss(wrong, x), mean_over_masks(wrong, x[:1])[0].item())


def test_the_entropy_is_an_area_under_what_is_not_known_yet():
    """H(x) is the integral over t of sum_d H(x_d | the others, each seen with probability t)."""
    bits = 5
    table, every = joint(bits), every_bits(bits)
    area = 0.0
    for d in range(bits):
        others = [i for i in range(bits) if i != d]
        for seen in every_bits(bits - 1):
            kept = [i for i, s in zip(others, seen, strict=True) if s]
            count = len(kept)
            weight = math.gamma(count + 1) * math.gamma(bits - count) / math.gamma(bits + 1)
            area += weight * (
                entropy(table, every[:, [*kept, d]]) - entropy(table, every[:, kept])
            )
    assert area == pytest.approx(-(table * table.log()).sum().item())


def entropy(table, columns):
    """Entropy of some of the dimensions, in nats."""
    if columns.shape[1] == 0:
        return 0.0
    _, index = columns.unique(dim=0, return_inverse=True)
    mass = torch.zeros(int(index.max()) + 1).double().index_add(0, index, table)
    return -(mass * mass.log()).sum().item()


def frequencies(x):
    places = torch.tensor([2 ** (BITS - 1 - d) for d in range(BITS)]).double()
    return (x @ places).long().bincount(minlength=2**BITS).double() / len(x)


def test_one_at_a_time_the_draws_are_those_of_the_model():
    """A round for each: with as many rounds as there are ranks apart, never two at once."""
    torch.manual_seed(0)
    count, table = 40_000, joint()
    blank = torch.zeros(count, BITS).double()
    rank = (torch.rand(count, BITS).argsort(1).double() + 0.5) / BITS
    x = unmask(exact(table), blank, blank, BITS, rank, torch.rand(count, BITS).double())
    error = (table * (1 - table) / count).sqrt()
    assert ((frequencies(x) - table).abs() < 5 * error).all()


def test_all_at_once_costs_the_total_correlation():
    torch.manual_seed(0)
    count, table, every = 40_000, joint(), every_bits(BITS)
    blank = torch.zeros(count, BITS).double()
    x = unmask(
        exact(table),
        blank,
        blank,
        1,
        torch.rand(count, BITS).double(),
        torch.rand(count, BITS).double(),
    )
    ink = table @ every
    product = torch.where(every > 0, ink, 1 - ink).prod(1)
    error = (product * (1 - product) / count).sqrt()
    assert ((frequencies(x) - product).abs() < 5 * error).all()
    correlation = sum(entropy(table, every[:, [d]]) for d in range(BITS)) - entropy(table, every)
    assert (table * (table / product).log()).sum().item() == pytest.approx(correlation)
    assert correlation > 0.1


def test_two_rounds_cost_the_groups_conditional_total_correlation():
    """First the bits 0 and 1, then 2 and 3: what is drawn, and its KL, by enumeration."""
    torch.manual_seed(0)
    count, table, every = 200_000, joint(), every_bits(BITS)
    blank = torch.zeros(count, BITS).double()
    rank = torch.tensor([0.1, 0.2, 0.7, 0.8]).double().expand(count, BITS)
    x = unmask(exact(table), blank, blank, 2, rank, torch.rand(count, BITS).double())

    def h(*dims):
        return entropy(table, every[:, list(dims)])

    price = (h(0) + h(1) - h(0, 1)) + (h(0, 1, 2) + h(0, 1, 3) - h(0, 1) - h(0, 1, 2, 3))
    pair = every[:, :2] @ torch.tensor([2.0, 1.0]).double()
    first = torch.where(every[:, :2] > 0, table @ every[:, :2], 1 - table @ every[:, :2]).prod(1)
    second = torch.ones(16).double()
    for d in (2, 3):
        same = (pair[:, None] == pair).double()
        alike = same * (every[:, None, d] == every[:, d]).double()
        second = second * (alike @ table) / (same @ table)
    drawn = first * second
    error = (drawn * (1 - drawn) / count).sqrt()
    assert ((frequencies(x) - drawn).abs() < 5 * error).all()
    assert (table * (table / drawn).log()).sum().item() == pytest.approx(price)
    assert price > 0.02


def test_what_is_known_is_kept():
    x = torch.tensor([[1.0, 0.0, 1.0, 0.0]]).double().expand(100, 4)
    known = torch.tensor([[1.0, 1.0, 0.0, 0.0]]).double().expand(100, 4)
    drawn = unmask(exact(joint()), x, known, 3, *torch.rand(2, 100, 4).double())
    assert drawn[:, :2].equal(x[:, :2]) and len(drawn[:, 2:].unique(dim=0)) > 1


def test_the_network_does_not_see_what_is_hidden():
    torch.manual_seed(0)
    model = DigitUnmasker((8, 8), (0, 1, 0))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = torch.rand(2, 784).round()
    time, uniform = torch.full((2,), 0.5), torch.rand(2, 784)
    hidden = uniform < 0.5
    seen = []

    def watched(x, known):
        seen.append(x)
        return model(x, known)

    masked_loss(watched, x, time, uniform)
    masked_loss(watched, torch.where(hidden, 1 - x, x), time, uniform)
    assert seen[0].equal(seen[1]) and (seen[0][hidden] == 0).all()
