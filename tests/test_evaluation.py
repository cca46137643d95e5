import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import ppca
from scipy.spatial.distance import cdist

from dgm_core.evaluation import active_units, nearest_neighbours


def test_active_units_have_the_variance_that_theory_gives():
    torch.manual_seed(0)
    model = ppca(latent_dim=3)
    with torch.no_grad():
        model.exact.decoder.weight[:, 1] = 0  # x says nothing about the second dimension
    weight, scale = model.exact.decoder.weight, model.exact.decoder.scale
    x = model.exact.sample((100_000,))
    active, variances = active_units(model.exact, x)
    assert active.tolist() == [True, False, True]
    # Var(E[z|x]) = Var(z) - E[Var(z|x)] = I - (I + W^T W / s^2)^-1
    gram = weight.T @ weight / scale[0] ** 2
    expected = 1 - torch.linalg.inv(torch.eye(3) + gram).diag()
    torch.testing.assert_close(variances, expected, rtol=0, atol=0.02)
    assert not variances.requires_grad


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.99])
def test_a_unit_is_active_above_the_threshold(threshold):
    model = ppca()
    active, variances = active_units(model.exact, model.marginal.sample((50,)), threshold)
    assert torch.equal(active, variances > threshold)


def test_one_example_has_no_variance():
    model = ppca()
    with pytest.raises(ValueError, match="two examples"):
        active_units(model.exact, model.marginal.sample((1,)))


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 1000), st.data())
def test_the_nearest_are_those_of_brute_force_in_any_chunks(n, queries, seed, draw):
    k, chunk_size = draw.draw(st.integers(1, n)), draw.draw(st.integers(1, n))
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n, 2, 3, generator=generator)
    wanted = torch.rand(queries, 2, 3, generator=generator)
    found = nearest_neighbours(wanted, images, k, chunk_size)
    distances = cdist(wanted.flatten(1), images.flatten(1))
    assert found.tolist() == distances.argsort(1)[:, :k].tolist()


def test_an_image_is_its_own_nearest_neighbour():
    images = torch.randint(256, (500, 28, 28), dtype=torch.uint8)
    assert nearest_neighbours(images[100:110], images)[:, 0].tolist() == list(range(100, 110))


@pytest.mark.parametrize(
    ("queries", "k", "message"),
    [
        (torch.zeros(2, 9), 1, "bring them to one shape and scale"),
        (torch.zeros(2, 16, dtype=torch.uint8), 1, "bring them to one shape and scale"),
        (torch.zeros(2, 16), 0, "k is 0"),
        (torch.zeros(2, 16), 6, "there are 5 images"),
    ],
)
def test_what_cannot_be_compared_is_refused(queries, k, message):
    with pytest.raises(ValueError, match=message):
        nearest_neighbours(queries, torch.zeros(5, 16), k)
