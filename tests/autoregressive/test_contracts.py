"""What a reader hands to an autoregressive model by mistake is refused, with the cure.

The checks of shapes in the annotations are off here, as they are for every reader.
"""

import pytest
import torch

from dgm_core.autoregressive import (
    MADE,
    MaskedConv2d,
    PixelCNN,
    from_tokens,
    log_probs,
    masked_stack,
    to_tokens,
    train_pixelcnn,
)

pytestmark = pytest.mark.usefixtures("as_a_reader_calls")

zeros = torch.zeros


def tiny():
    return PixelCNN(side=4, width=8, hidden=8, blocks=1)


REFUSED = {  # what is called, and a part of what it says
    "half images": (lambda: to_tokens(zeros(8, 8), side=4), r"\(B, 16\) is expected"),
    "an odd side": (lambda: to_tokens(zeros(4, 9), side=3), "an even one"),
    "density of quarters": (lambda: tiny().log_prob(zeros(4, 4)), r"\(B, 16\) is expected"),
    "logits of quarters": (lambda: tiny().pixel_logits(zeros(4, 4)), r"\(B, 16\) is expected"),
    "smaller images": (
        lambda: train_pixelcnn(tiny(), zeros(64, 2, 2, dtype=torch.uint8), epochs=1),
        r"\(B, 16\) is expected",
    ),
    "grey pixels": (lambda: tiny().log_prob(zeros(2, 16) + 0.4), "binarize"),
    "signed pixels": (lambda: to_tokens(zeros(1, 4) - 1, side=2), "binarize"),
    "tokens": (lambda: from_tokens(torch.tensor([[[16]]])), "16 squares"),
    "tokens in a row": (lambda: from_tokens(zeros(3).long()), r"\(B, h, w\) is expected"),
    "a token before all": (
        lambda: tiny().complete(zeros(1, 16), zeros(1, 2, 2), -1),
        "tokens go from 0 to 3",
    ),
    "noise for all": (
        lambda: tiny().complete(zeros(3, 16), zeros(1, 2, 2), 0),
        "each token of each image",
    ),
    "noise for others": (lambda: tiny().sample((5,), zeros(3, 2, 2)), "as the sample shape says"),
    "an even kernel": (lambda: MaskedConv2d(1, 1, 2, sees_itself=False), "in its middle"),
    "one layer": (lambda: masked_stack(4, layers=1), "layers is 1"),
    "bits of another model": (lambda: MADE(3).log_prob(zeros(5, 4)), "each bit of the model"),
    "grey bits": (lambda: MADE(3).log_prob(zeros(5, 3) + 0.4), "draw bits"),
    "signed bits": (lambda: MADE(3).conditionals(zeros(5, 3) - 1), "draw bits"),
    "noise for other bits": (lambda: MADE(3).sample((5,), zeros(2, 3)), "each bit"),
    "what is known": (
        lambda: MADE(3).complete(zeros(5, 3), zeros(1, 3), zeros(5, 3)),
        "one of each",
    ),
    "no chunk": (lambda: log_probs(tiny(), zeros(2, 16), chunk_size=0), "chunk_size is 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_go_wrong_in_silence_is_refused(name):
    wrong, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        wrong()


@pytest.mark.parametrize("model", [MADE(3, hidden=(4,)), tiny()])
def test_a_number_is_no_shape_of_samples(model):
    with pytest.raises(TypeError, match=r"\(5,\) for five samples"):
        model.sample(5)


def test_pixels_of_any_strides_are_taken():
    torch.manual_seed(0)
    x = torch.rand(16, 3).round().T
    assert torch.equal(to_tokens(x, 4), to_tokens(x.contiguous(), 4))
    model = tiny()
    torch.testing.assert_close(model.pixel_logits(x), model.pixel_logits(x.contiguous()))


def test_no_examples_make_no_results():
    assert tiny().log_prob(zeros(0, 16)).shape == (0,)
    assert tiny().sample((0,)).shape == (0, 16)
    assert MADE(3).sample((0,)).shape == (0, 3)
    assert log_probs(tiny(), zeros(0, 16)).shape == (0,)
