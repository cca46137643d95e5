"""An epoch shows no example twice, in an order of its own, and starts anywhere."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dgm_core import data

plans = st.fixed_dictionaries(
    {
        "n": st.integers(1, 40),
        "epochs": st.integers(1, 4),
        "seed": st.integers(0, 2**40),
    }
).flatmap(lambda plan: st.tuples(st.just(plan), st.integers(1, plan["n"])))


@given(plans)
def test_an_epoch_shows_no_example_twice_and_drops_less_than_a_batch(plan_and_size):
    plan, size = plan_and_size
    loader = data.batches(torch.arange(plan["n"]), size, plan["epochs"], seed=plan["seed"])
    found = list(loader)
    assert len(found) == len(loader) == plan["n"] // size * plan["epochs"]
    assert all(batch.shape == (size,) for batch in found)
    for epoch in range(plan["epochs"]):
        per_epoch = plan["n"] // size
        seen = torch.cat(found[epoch * per_epoch : (epoch + 1) * per_epoch]).tolist()
        assert len(set(seen)) == len(seen) > plan["n"] - size


@given(plans, st.integers(0, 50), st.integers(0, 50))
def test_batches_start_anywhere_and_again(plan_and_size, first, second):
    plan, size = plan_and_size
    loader = data.batches(torch.arange(plan["n"]), size, plan["epochs"], seed=plan["seed"])
    whole = [batch.tolist() for batch in loader]
    first = min(first, len(whole))
    second = min(second, len(whole) - first)
    rest = loader.starting_at(first).starting_at(second)
    assert [batch.tolist() for batch in rest] == whole[first + second :]
    assert len(rest) == len(whole) - first - second
    assert [batch.tolist() for batch in loader] == whole


@settings(max_examples=30)
@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_epochs_and_seeds_have_orders_of_their_own(seed, other):
    numbers = torch.arange(1000)
    seeds = {seed, seed + 1, other}
    orders = [order for s in seeds for order in data.batches(numbers, 1000, epochs=2, seed=s)]
    assert len({tuple(order.tolist()) for order in orders}) == 2 * len(seeds)


def test_the_order_of_an_epoch_is_uniform():
    firsts = [int(next(iter(data.batches(torch.arange(10), 1, seed=s)))) for s in range(2000)]
    assert stats.chisquare(torch.bincount(torch.tensor(firsts))).pvalue > 1e-3


def test_the_transform_sees_the_batch_on_its_way():
    images = torch.full((6, 2, 2), 255, dtype=torch.uint8)
    for batch in data.batches(images, 3, transform=data.binarize):
        assert torch.equal(batch, torch.ones(3, 4))


@pytest.mark.parametrize(
    ("size", "epochs", "seed", "name"),
    [(0, 1, 0, "batch_size"), (11, 1, 0, "batch_size"), (5, 0, 0, "epochs"), (5, 1, -1, "seed")],
)
def test_plans_that_make_no_batch_are_refused(size, epochs, seed, name):
    with pytest.raises(ValueError, match=name):
        data.batches(torch.arange(10), size, epochs, seed=seed)
