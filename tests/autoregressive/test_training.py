"""Training of the PixelCNN: it learns, resumes, and is the same in two processes as in one."""

import pytest
import torch

from dgm_core.autoregressive import PixelCNN, log_probs, train_pixelcnn


def grey_pair(count=64):
    """Images that are all black or all white, (count, 4, 4): entropy log 2."""
    return (255 * (torch.arange(count) % 2)).view(-1, 1, 1).expand(-1, 4, 4).to(torch.uint8)


def test_it_learns_a_distribution_of_two_images():
    torch.manual_seed(0)
    model = PixelCNN(4, width=16, hidden=8, blocks=1, reach=1)
    average, history = train_pixelcnn(
        model, grey_pair(), epochs=200, batch_size=32, learning_rate=1e-2, half=False
    )
    nats = -log_probs(average, torch.tensor([[0.0], [1.0]]).expand(2, 16))
    assert not average.training
    assert torch.allclose(nats, torch.full((2,), 2.0).log(), atol=0.05)
    assert history.loss[0] > 8 > 1 > history.loss[-1]


def test_held_out_digits_are_measured_after_each_epoch():
    torch.manual_seed(0)
    model = PixelCNN(4, width=8, hidden=8, blocks=1, reach=1)
    _, history = train_pixelcnn(
        model, grey_pair(), epochs=3, half=False, callback=lambda average: {"seen": 1.0}
    )
    assert history.metrics["seen"] == [(1, 1.0), (2, 1.0), (3, 1.0)]


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
    with pytest.raises(ValueError, match="64 examples a step do not share out among 3 processes"):
        train_pixelcnn(PixelCNN(4, 8, 8, 1), grey_pair(), epochs=1)
