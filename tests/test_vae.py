import pytest
import torch
from oracles import assert_mean_is, ppca

from dgm_core.vae import linear_vae, mlp_vae


def test_the_default_is_the_architecture_of_the_book():
    vae = mlp_vae()
    sizes = [tuple(p.shape) for p in vae.parameters() if p.ndim == 2]
    assert sizes == [(512, 784), (20, 512), (20, 512), (512, 20), (784, 512)]
    assert vae.latent_dim == 20


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_prior_is_standard_normal_and_follows_the_model(dtype):
    prior = mlp_vae(latent_dim=3).to(dtype).prior
    assert prior.event_shape == (3,) and prior.mean.dtype == dtype
    z = torch.randn(5, 3, dtype=dtype)
    expected = torch.distributions.MultivariateNormal(
        torch.zeros(3, dtype=dtype), torch.eye(3, dtype=dtype)
    ).log_prob(z)
    torch.testing.assert_close(prior.log_prob(z), expected)


def test_a_state_dict_holds_what_was_learned_and_no_more():
    vae = mlp_vae(latent_dim=2)
    assert vae.state_dict().keys() == {name for name, _ in vae.named_parameters()}


def test_shapes():
    vae = mlp_vae(latent_dim=4, hidden=8, num_pixels=9)
    assert vae.encoder(torch.zeros(6, 9)).mean.shape == (6, 4)
    assert vae.decoder(torch.zeros(5, 6, 4)).mean.shape == (5, 6, 9)


@pytest.mark.parametrize("shape", [(), (7,), (2, 3)])
def test_samples_are_pixels_not_means(shape):
    x = mlp_vae(latent_dim=4, hidden=8, num_pixels=9).sample(shape)
    assert x.shape == (*shape, 9) and not x.requires_grad
    assert set(x.unique().tolist()) <= {0.0, 1.0}


def test_ancestral_samples_follow_the_marginal():
    torch.manual_seed(0)
    model = ppca()
    x = model.exact.sample((20_000,))
    assert_mean_is(x, model.marginal.mean)
    centred = x - model.marginal.mean
    products = centred[:, :, None] * centred[:, None, :]
    assert_mean_is(products, model.marginal.covariance_matrix)


@pytest.mark.parametrize("seed", range(3))
def test_bayes_rule_holds_in_a_linear_normal_model_wherever_z_is(seed):
    # p(x|z) p(z) = p(z|x) p(x) for every z: marginal and posterior cannot both be wrong alike.
    torch.manual_seed(seed)
    weight, bias, scale = torch.randn(5, 3), torch.randn(5), 0.3 + torch.rand(5)
    vae = linear_vae(weight.double(), bias.double(), scale.double())
    x, z = torch.randn(7, 5).double(), 3 * torch.randn(7, 3).double()
    joint = vae.decoder(z).log_prob(x) + vae.prior.log_prob(z)
    other = vae.encoder(x).log_prob(z) + vae.decoder.marginal().log_prob(x)
    torch.testing.assert_close(joint, other)


def test_a_linear_normal_model_is_that_of_the_oracle():
    model = ppca(seed=5)
    decoder = model.exact.decoder
    vae = linear_vae(decoder.weight, decoder.bias, decoder.scale)
    x = model.marginal.sample((2, 4))
    torch.testing.assert_close(vae.decoder.marginal().log_prob(x), model.marginal.log_prob(x))
    expected = model.exact.encoder(x)
    torch.testing.assert_close(vae.encoder(x).mean, expected.mean)
    torch.testing.assert_close(vae.encoder(x).covariance_matrix, expected.covariance_matrix)
    assert vae.latent_dim == 3 and vae.decoder(vae.encoder(x).mean).batch_shape == (2, 4)
