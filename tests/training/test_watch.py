"""A loss or a parameter that is no number stops a training, and what was good is kept."""

import math

import pytest
import torch
from torch import nn
from trainings import STEPS

from dgm_core.data import batches
from dgm_core.training import CHECK_EVERY, TrainingDiverged, fit


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [1, 2, CHECK_EVERY, CHECK_EVERY + 1, STEPS])
def test_a_loss_that_is_not_finite_stops_and_restores(bad, step):
    weight, after = nn.Parameter(torch.ones(3)), []

    def loss(x):
        after.append(weight.detach().clone())  # after[s] is the weight after step s
        return (weight * x).sum(1) * (bad if len(after) == step else 1)

    with pytest.raises(TrainingDiverged, match=f"the loss is {bad} at step {step}") as caught:
        fit(loss, [weight], batches(torch.ones(STEPS, 3), 1), warmup_steps=1)
    assert caught.value.step == step
    assert caught.value.history.step == list(range(1, step))
    good_step = max(0, (step - 1) // CHECK_EVERY * CHECK_EVERY - 1)
    assert f"after step {good_step}." in str(caught.value)
    torch.testing.assert_close(weight.data, after[good_step], rtol=0, atol=0)


def test_an_update_that_ruins_the_parameters_is_never_kept():
    weight, seen = nn.Parameter(torch.ones(1)), []

    def loss(x):
        seen.append(weight.item())
        wrong_way = -1e6 if len(seen) == CHECK_EVERY else 1
        return wrong_way * (weight * x).exp()  # finite here, infinite in the next step

    with pytest.raises(TrainingDiverged) as caught:
        fit(
            loss,
            [weight],
            batches(torch.ones(STEPS), 1),
            optimizer=torch.optim.SGD,
            learning_rate=1e-3,
        )
    assert caught.value.step == CHECK_EVERY + 1
    assert weight.item() == seen[CHECK_EVERY - 1] and weight.exp().isfinite()


def test_a_last_update_that_ruins_the_parameters_is_found():
    weight, count = nn.Parameter(torch.ones(1)), []

    def loss(x):
        count.append(None)
        return (weight - 1).abs().sqrt() * x if len(count) == 3 else weight * x * 0

    with pytest.raises(TrainingDiverged, match="a parameter is NaN or infinite after step 3"):
        fit(loss, [weight], batches(torch.ones(3), 1))
    assert weight.item() == 1


def test_a_checkpoint_is_never_written_over_by_a_ruined_run(tmp_path):
    path = tmp_path / "w.pt"
    weight, count = nn.Parameter(torch.ones(1)), []

    def loss(x):
        count.append(None)
        return weight * x * (math.nan if len(count) == 15 else 1)

    with pytest.raises(TrainingDiverged):
        fit(loss, [weight], batches(torch.ones(40), 1), checkpoint=path, checkpoint_every=10)
    assert torch.load(path, weights_only=True)["step"] == 10
