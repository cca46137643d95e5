"""MADE against enumeration of all vectors, and against the zeros of its Jacobian."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import every_bits
from torch.distributions import Bernoulli
from torch.testing import assert_close

from dgm_core.autoregressive import MADE
from dgm_core.objectives import log_mean_exp


def made(order=None, num_dims=6, hidden=(16, 16)) -> MADE:
    torch.manual_seed(0)
    model = MADE(num_dims, hidden, order).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return model


def jacobian(model: MADE) -> torch.Tensor:
    """Which logits change with which inputs, in order of drawing; anywhere in a few points."""
    found = torch.zeros(6, 6, dtype=torch.bool)
    for x in torch.randn(20, 6, dtype=torch.float64):
        found |= torch.autograd.functional.jacobian(model.logits, x) != 0
    order = list(model.order)
    return found[order][:, order]


@settings(max_examples=25)
@given(st.permutations(range(6)), st.lists(st.integers(1, 20), min_size=1, max_size=3))
def test_in_any_order_the_probabilities_of_all_vectors_add_up_to_one(order, hidden):
    mass = made(order, hidden=hidden).log_prob(every_bits(6)).exp()
    assert_close(mass.sum(), torch.ones((), dtype=torch.float64))


@pytest.mark.parametrize("order", [None, (3, 1, 4, 0, 5, 2)])
def test_a_logit_depends_on_all_that_come_before_and_on_nothing_else(order):
    assert jacobian(made(order)).equal(torch.ones(6, 6, dtype=torch.bool).tril(-1))


def test_one_dimension_is_a_coin():
    model = made(num_dims=1, hidden=(4,))
    assert_close(model.log_prob(every_bits(1)).exp().sum(), torch.ones((), dtype=torch.float64))
    assert model.logits(torch.zeros(1, 1).double()).equal(model.logits(torch.ones(1, 1).double()))


def test_what_each_bit_costs_is_its_bernoulli_and_adds_up():
    model, x = made((3, 1, 4, 0, 5, 2)), every_bits(6)
    assert_close(model.conditionals(x), Bernoulli(logits=model.logits(x)).log_prob(x))
    assert_close(model.conditionals(x).sum(1), model.log_prob(x))


@pytest.mark.parametrize("order", [None, (3, 1, 4, 0, 5, 2)])
def test_samples_are_as_frequent_as_their_probability(order):
    torch.manual_seed(1)
    model, count = made(order), 40_000
    x = model.sample((count,))
    index = (x @ torch.tensor([32, 16, 8, 4, 2, 1]).double()).long()
    expected = count * model.log_prob(every_bits(6)).exp()
    found = index.bincount(minlength=64).double()
    common = expected > 5
    chi_square = ((found - expected) ** 2 / expected)[common].sum()
    cells = int(common.sum())
    assert chi_square < cells + 5 * math.sqrt(2 * cells)


def test_drawing_in_another_order_is_another_distribution():
    """A mistake: the columns are filled from the left, whatever the order of the masks."""
    torch.manual_seed(1)
    model, count = made((5, 4, 3, 2, 1, 0)), 40_000
    x, u = torch.zeros(count, 6).double(), torch.rand(count, 6).double()
    for d in range(6):
        x[:, d] = (u[:, d] < model.logits(x)[:, d].sigmoid()).double()
    index = (x @ torch.tensor([32, 16, 8, 4, 2, 1]).double()).long()
    found = index.bincount(minlength=64).double() / count
    assert (found - model.log_prob(every_bits(6)).exp()).abs().sum() > 0.2


def test_what_is_known_stays_and_the_rest_is_drawn_given_it():
    torch.manual_seed(1)
    model, count = made((3, 1, 4, 0, 5, 2)), 40_000
    known = torch.zeros(6).double()
    known[[3, 1, 4]] = 1
    start = torch.tensor([0, 1, 0, 1, 0, 0]).double()
    x = model.complete(
        start.expand(count, 6), known.expand(count, 6), torch.rand(count, 6).double()
    )
    assert (x[:, [3, 1, 4]] == start[[3, 1, 4]]).all()
    every = every_bits(6)
    fits = (every[:, [3, 1, 4]] == start[[3, 1, 4]]).all(1)
    share = model.log_prob(every[fits]).softmax(0)
    found = torch.stack([(x == one).all(1).double().mean() for one in every[fits]])
    assert ((found - share).abs() < 5 * (share * (1 - share) / count).sqrt() + 1e-12).all()


def test_noise_decides_a_draw():
    model, noise = made(), torch.rand(2, 3, 6).double()
    assert model.sample((2, 3), noise).equal(model.sample((2, 3), noise))
    assert model.sample((2, 3)).shape == (2, 3, 6)


@pytest.mark.parametrize("order", [[0, 1, 1], [0, 1], [1, 2, 3]])
def test_an_order_that_is_none_is_refused(order):
    with pytest.raises(ValueError, match="each of 0 to 2 once"):
        MADE(3, order=order)
    with pytest.raises(ValueError, match="hidden is empty"):
        MADE(3, hidden=())


def exact_logits(joint: torch.Tensor, order: tuple[int, int]) -> torch.Tensor:
    """Logits of both bits for all four vectors, (4, 2), of a table (2, 2), in a given order."""
    x, logits = every_bits(2).long(), torch.zeros(4, 2).double()
    first, second = order
    for row, bits in enumerate(x):
        marginal = joint.sum(second)
        logits[row, first] = (marginal[1] / marginal[0]).log()
        given = joint.select(first, int(bits[first]))
        logits[row, second] = (given[1] / given[0]).log()
    return logits


def test_averaged_logits_of_two_orders_are_no_distribution():
    """Two bits that agree with probability .9: the sum is 1.25, the "NLL" below the entropy."""
    joint = torch.tensor([[0.45, 0.05], [0.05, 0.45]]).double()
    x, truth = every_bits(2), joint.flatten()
    orders = [exact_logits(joint, order) for order in ((0, 1), (1, 0))]
    for logits in orders:
        assert_close(Bernoulli(logits=logits).log_prob(x).sum(1).exp(), truth)
    wrong = Bernoulli(logits=sum(orders) / 2).log_prob(x).sum(1)
    entropy = -(truth * truth.log()).sum()
    assert wrong.exp().sum().item() == pytest.approx(1.25)
    assert -(truth @ wrong).item() == pytest.approx(0.795, abs=5e-4)
    assert entropy.item() == pytest.approx(1.018, abs=5e-4)


def test_a_mixture_over_orders_is_a_distribution():
    models = [made(order) for order in itertools.islice(itertools.permutations(range(6)), 3)]
    mass = log_mean_exp(torch.stack([model.log_prob(every_bits(6)) for model in models])).exp()
    assert_close(mass.sum(), torch.ones((), dtype=torch.float64))


def test_the_divergence_from_the_truth_is_paid_bit_by_bit():
    """KL(p || q) is the sum over places of the expected KL of conditionals, in any order."""
    torch.manual_seed(2)
    truth = torch.rand(64).double().softmax(0)
    x = every_bits(6)
    totals, prices = [], []
    for order in (tuple(range(6)), (5, 3, 1, 0, 2, 4)):
        q = made(order)
        totals.append((truth * (truth.log() - q.log_prob(x))).sum())
        price = torch.zeros(6).double()
        for place, d in enumerate(order):
            before = list(order[:place])
            same = (x[:, None][..., before] == x[None][..., before]).all(-1).double()
            agree = same * (x[:, None, d] == x[None, :, d]).double()
            conditional = (agree @ truth) / (same @ truth)
            price[d] = (truth * (conditional.log() - q.conditionals(x)[:, d])).sum()
        prices.append(price)
        assert (price > 0).all()
        assert_close(price.sum(), totals[-1])
    assert not torch.allclose(prices[0], prices[1], rtol=0.1)


def test_it_fits_a_small_ising_model():
    """3 x 3 spins by enumeration: after training, the KL from the truth is nearly 0."""
    torch.manual_seed(0)
    x = every_bits(9)
    spins = (2 * x - 1).view(-1, 3, 3)
    bonds = (spins[:, 1:] * spins[:, :-1]).sum((1, 2)) + (spins[:, :, 1:] * spins[:, :, :-1]).sum(
        (1, 2)
    )
    truth = (0.5 * bonds).softmax(0)
    model = MADE(9, (64,)).double()
    adam = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(200):
        adam.zero_grad()
        loss = -(truth @ model.log_prob(x))
        loss.backward()
        adam.step()
    entropy = -(truth * truth.log()).sum()
    assert 0 < (loss - entropy).item() < 0.01
    independent = truth @ x
    apart = -(truth @ Bernoulli(independent).log_prob(x).sum(1)) - entropy
    assert apart.item() > 0.5
