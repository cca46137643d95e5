"""A file that is damaged, malicious or of another run is refused, and nothing is lost."""

import os

import pytest
import torch
from torch import nn
from trainings import interrupt, train_vae

from dgm_core.data import batches
from dgm_core.training import CheckpointError, checkpoints, fit, play
from dgm_core.vae import mlp_vae


@pytest.mark.parametrize("keep", [0, 10, 1000, -1])
def test_a_truncated_checkpoint_is_refused(tmp_path, keep):
    path = tmp_path / "vae.pt"
    train_vae(checkpoint=path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"vae\.pt is truncated, damaged.*Delete"):
        train_vae(checkpoint=path)


def test_a_flipped_bit_is_refused_whichever_it_is(tmp_path):
    path = tmp_path / "w.pt"
    weight = torch.ones(5, requires_grad=True)

    def train():
        fit(lambda x: (weight - x).square(), [weight], batches(torch.rand(4, 5), 1), **options)

    options = {"checkpoint": path, "progress": False}
    train()
    contents, left = path.read_bytes(), weight.detach().clone()
    at = contents.index(weight.detach().numpy().tobytes())
    for bit in (7, 8 * 3 + 6, 8 * 19 + 5):  # of the first number, and of the last
        damaged = bytearray(contents)
        damaged[at + bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"w\.pt is .*damaged.*Delete"):
            train()
        assert torch.equal(weight, left)
    path.write_bytes(contents)
    train()


def test_a_checkpoint_of_a_device_that_is_not_here_changes_nothing(tmp_path):
    path = tmp_path / "w.pt"

    def train(weight):
        data = batches(torch.rand(4, 5), 1)
        fit(lambda x: (weight - x).square(), [weight], data, checkpoint=path, progress=False)

    train(torch.ones(5, requires_grad=True))
    saved = torch.load(path)
    del saved["sha256"]
    saved["random"]["cuda"] = saved["random"]["cpu"]
    torch.save({**saved, "sha256": checkpoints.digest(saved)}, path)
    weight = torch.zeros(5, requires_grad=True)
    with pytest.raises(CheckpointError, match="was written on cuda, and this run is on cpu"):
        train(weight)
    assert not weight.any()
    del saved["random"]["cuda"]
    saved["random"]["cpu"] = saved["random"]["cpu"][:9]  # what only the last part of a load sees
    torch.save({**saved, "sha256": checkpoints.digest(saved)}, path)
    with pytest.raises(CheckpointError, match=r"does not fit.*Nothing was changed"):
        train(weight)
    assert not weight.any()


@pytest.mark.parametrize("there", ["a file", "a folder"])
def test_where_nothing_can_be_saved_is_told_before_the_first_step(tmp_path, there):
    path = tmp_path / "there"
    if there == "a file":
        path.write_bytes(b"")
        path = path / "w.pt"  # a folder of that name cannot be made
    else:
        path.mkdir()
    weight, seen = torch.ones(5, requires_grad=True), []

    def loss(x):
        seen.append(x)
        return (weight - x).square()

    data = batches(torch.rand(4, 5), 1)
    with pytest.raises(CheckpointError, match=r"cannot write .*Give a checkpoint in a folder"):
        fit(loss, [weight], data, checkpoint=path)
    with pytest.raises(CheckpointError, match="cannot write"):
        play((loss, [weight]), (loss, [weight]), data, checkpoint=path)
    assert seen == []


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path, legacy):
    path, trace = tmp_path / "vae.pt", tmp_path / "was here"

    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(trace),)

    contents = {"identity": Malicious()}
    torch.save(contents, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match="nothing in it was run"):
        train_vae(checkpoint=path)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # the file does what the test believes it would do
    assert trace.exists()


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "vae.pt"
    torch.save(mlp_vae(latent_dim=3, hidden=16, num_pixels=16).state_dict(), path)
    with pytest.raises(CheckpointError, match=r"not a checkpoint of training\.fit.*Delete"):
        train_vae(checkpoint=path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hidden": 17}, "tensors"),
        ({"learning_rate": 1e-4}, "learning_rate: 0.002 there, 0.0001 here"),
        ({"optimizer": torch.optim.SGD}, "optimizer: Adam there, SGD here"),
        ({"clip_norm": 1.0}, "clip_norm: None there, 1.0 here"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change, named):
    path = tmp_path / "vae.pt"
    train_vae(before=interrupt(10), checkpoint=path)
    with pytest.raises(CheckpointError, match=f"of another run.*{named}.*Delete"):
        train_vae(checkpoint=path, **change)


@pytest.mark.parametrize("plan", [{"epochs": 3}, {"seed": 1}, {"batch_size": 5}])
def test_a_checkpoint_of_other_batches_is_refused(tmp_path, plan):
    def run(**changes):
        weight = nn.Parameter(torch.ones(1))
        loader = batches(torch.ones(60), **{"batch_size": 10, "epochs": 2} | changes)
        fit(lambda x: weight * x, [weight], loader, checkpoint=tmp_path / "w.pt")

    run()
    with pytest.raises(CheckpointError, match=r"batches: .*there.*here"):
        run(**plan)
