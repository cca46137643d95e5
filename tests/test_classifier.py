import pytest
import torch

from dgm_core import data
from dgm_core.classifier import DigitClassifier, digit_classifier


@pytest.fixture(scope="module")
def few():
    images, labels = data.mnist("train")
    return images[:12_000], labels[:12_000]


@pytest.fixture(scope="module")
def classifier(few):
    return digit_classifier(*few, epochs=1, progress=False)


def test_a_fifth_of_an_epoch_teaches_to_read_nine_digits_in_ten(classifier):
    images, labels = data.mnist("test")
    accuracy = (classifier.classify(images.flatten(1) / 255) == labels).float().mean()
    assert 0.9 < accuracy < 1
    assert not classifier.training


def test_the_same_seed_gives_the_same_classifier_and_leaves_the_readers_noise_alone(few):
    images, labels = (part[:1024] for part in few)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one = digit_classifier(images, labels, progress=False)
    assert torch.equal(torch.rand(3), expected)
    two = digit_classifier(images, labels, progress=False)
    other = digit_classifier(images, labels, seed=1, progress=False)
    assert torch.equal(one.head.weight, two.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_features_are_what_the_logits_are_linear_in():
    torch.manual_seed(0)
    classifier = DigitClassifier(num_features=12).double()
    x = torch.rand(7, 784).double()
    features = classifier.features(x, chunk_size=3)
    assert features.shape == (7, 12) and not features.requires_grad and (features >= 0).all()
    logits = features @ classifier.head.weight.T + classifier.head.bias
    torch.testing.assert_close(classifier(x), logits)
    assert torch.equal(classifier.classify(x, chunk_size=2), logits.argmax(1))


def test_rows_are_images_of_28_by_28_read_row_by_row():
    torch.manual_seed(0)
    classifier = DigitClassifier()
    x = torch.rand(2, 28, 28)
    moved = classifier.trunk[:3](x.flatten(1))  # convolutions move with their input
    shifted = torch.zeros_like(x)
    shifted[:, 2:] = x[:, :-2]
    found = classifier.trunk[:3](shifted.flatten(1))
    torch.testing.assert_close(found[:, :, 2:-1], moved[:, :, 1:-2])
