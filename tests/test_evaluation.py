import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from oracles import ppca
from scipy import linalg
from scipy.spatial.distance import cdist

from dgm_core.evaluation import (
    active_units,
    class_shares,
    frechet_distance,
    nearest_neighbours,
    precision_and_recall,
    prior_gap,
)


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


def test_codes_of_one_example_leave_the_gap_of_its_posterior():
    """Many copies of one example have one posterior: the gap is its divergence from the prior."""
    torch.manual_seed(0)
    model = ppca()
    x = model.marginal.sample((1,)).expand(3000, -1)
    q = model.exact.encoder(x[:1])
    expected = torch.distributions.kl_divergence(q, vae_prior(model))
    torch.testing.assert_close(prior_gap(model.exact, x), expected[0], rtol=0.03, atol=0.03)


def test_codes_of_a_models_own_data_fill_the_prior_and_others_do_not():
    torch.manual_seed(0)
    model = ppca()
    x = model.marginal.sample((4000,))
    own, half = prior_gap(model.exact, x), prior_gap(model.exact, x / 2)
    assert abs(own) < 0.05 < 0.2 < half
    torch.manual_seed(1)
    one = prior_gap(model.exact, x)
    torch.manual_seed(1)
    torch.testing.assert_close(prior_gap(model.exact, x, chunk_size=7), one)  # in any chunks


def vae_prior(model):
    """Return the prior as the kind of distribution that torch has a divergence for."""
    mean = model.exact.prior_mean
    return torch.distributions.MultivariateNormal(mean, torch.eye(len(mean), dtype=mean.dtype))


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


def with_moments(n, mean, root):
    """A sample whose mean and covariance are exactly `mean` and `root @ root.T`."""
    x = torch.randn(n, len(mean), dtype=torch.float64)
    x = torch.linalg.qr(x - x.mean(0)).Q * (n - 1) ** 0.5  # white, to the last digits
    return mean + x @ root.T


@given(st.integers(1, 6), st.integers(0, 1000))
def test_the_frechet_distance_is_the_closed_form_of_two_normals(dim, seed):
    torch.manual_seed(seed)
    means, roots = torch.randn(2, dim).double(), torch.randn(2, dim, dim).double()
    samples = [with_moments(40 + 10 * k, means[k], roots[k]) for k in (0, 1)]
    covariances = [(root @ root.T).numpy() for root in roots]
    root = linalg.sqrtm(covariances[0] @ covariances[1] + 0j).real
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(sum(covariances) - 2 * root)
    found = frechet_distance(*samples)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-6)
    torch.testing.assert_close(frechet_distance(*samples[::-1]), found)


def test_the_frechet_distance_of_commuting_covariances_by_hand():
    torch.manual_seed(0)
    means = torch.tensor([[0.0, 0.0, 1.0], [3.0, 4.0, 1.0]]).double()
    scales = torch.tensor([[1.0, 2.0, 0.0], [4.0, 2.0, 0.5]]).double()
    samples = [with_moments(100, means[k], scales[k].diag()) for k in (0, 1)]
    assert frechet_distance(*samples).item() == pytest.approx(25 + 9 + 0.25, rel=1e-12)


@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_the_frechet_distance_is_exact_where_covariances_have_no_full_rank(shift):
    # Few examples, many features, some of them constant: the usual matrix root fails here.
    torch.manual_seed(0)
    a = torch.randn(20, 50)
    a[:, 40:] = 3.0
    distance = frechet_distance(a, a + shift)
    assert distance.item() == pytest.approx(50 * shift**2, rel=1e-6, abs=1e-9)
    # In one dimension of fifty: both differences, of the means and of the standard deviations.
    line = torch.zeros(20, 50)
    line[:, 7] = torch.randn(20)
    values = line[:, 7].double()
    expected = 16 * (values.mean() ** 2 + values.var())
    assert frechet_distance(line, 5 * line).item() == pytest.approx(expected.item(), rel=1e-6)


@given(st.integers(2, 30), st.integers(1, 40), st.integers(0, 1000))
def test_the_frechet_distance_is_zero_for_equals_and_never_negative(n, dim, seed):
    generator = torch.Generator().manual_seed(seed)
    a = 100 * torch.randn(n, dim, generator=generator)
    b = a[torch.randperm(n, generator=generator)]
    assert 0 <= frechet_distance(a, b) <= 1e-12 * a.square().sum()
    assert frechet_distance(a, b).dtype == torch.float64


def test_a_covariance_needs_two_examples():
    with pytest.raises(ValueError, match="two examples"):
        frechet_distance(torch.zeros(1, 3), torch.zeros(4, 3))


def test_class_shares_count_also_what_is_missed():
    shares = class_shares(torch.tensor([3, 0, 3, 1]), num_classes=5)
    assert shares.tolist() == [0.25, 0.25, 0, 0.5, 0]
    assert class_shares(torch.arange(10)).tolist() == pytest.approx([0.1] * 10)
    with pytest.raises(ValueError, match="one label"):
        class_shares(torch.zeros(0, dtype=torch.int64))


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_precision_and_recall_are_those_of_the_definition(seed, k):
    torch.manual_seed(seed)
    real, fake = torch.randn(9, 2), 1.5 * torch.randn(7, 2) + 0.5
    found = [share.item() for share in precision_and_recall(real, fake, k)]

    def share(asked, balls):  # one by one, as the paper writes it
        reach = np.sort(cdist(balls, balls), 1)[:, k]
        return np.mean([(cdist(point[None], balls)[0] <= reach).any() for point in asked])

    one, other = real.double().numpy(), fake.double().numpy()
    np.testing.assert_allclose(found, [share(other, one), share(one, other)], atol=1e-6)


def test_lost_variety_costs_recall_and_strays_cost_precision():
    torch.manual_seed(0)
    real = torch.randn(500, 2) + 8 * torch.arange(2).repeat(250)[:, None]
    half = torch.randn(500, 2)
    precision, recall = precision_and_recall(real, half)
    assert precision > 0.9 and 0.4 < recall < 0.6
    strays = torch.cat([real[:250] + 0.1, 30 * torch.randn(250, 2)])
    precision, recall = precision_and_recall(real, strays)
    assert 0.4 < precision < 0.7
