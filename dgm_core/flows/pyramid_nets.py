"""The networks of the coarse-to-fine flow: what a level of the pyramid knows, as probabilities."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

#: Numbers that a network sees of a pixel; see `PixelFeatures`.
NUM_FEATURES = 9


class PixelFeatures(nn.Module):
    """What the networks see of a grey value: itself, is it ink, is it full ink, and three waves.

    Args:
        bins: number of grey values.
    """

    def __init__(self, bins: int):
        """Tabulate the features of every grey value."""
        super().__init__()
        grey = torch.arange(bins, dtype=torch.get_default_dtype())
        columns = [
            2 * grey / (bins - 1) - 1,
            (grey > 0).to(grey),
            (grey >= bins * 250 / 256).to(grey),
        ]
        for k in (2, 4, 8):
            angle = k * math.pi * grey / bins
            columns += [angle.sin(), angle.cos()]
        self.register_buffer("table", torch.stack(columns, 1), persistent=False)

    def forward(self, grey: Int[Tensor, " batch h w"], side: int) -> Float[Tensor, " batch c s s"]:
        """Look grey values up, (B, h, w), and pad with zeros to (B, 9, side, side)."""
        features = self.table[grey].permute(0, 3, 1, 2)  # channels last in memory
        height, width = grey.shape[1:]
        return F.pad(features, (0, side - width, 0, side - height))


class ResidualBlock(nn.Module):
    """Two convolutions that add a correction to their input.

    Args:
        width: channels.
        dropout: share of the channels between the two that are set to 0 in training.

    References:
        He et al. (2016), Identity Mappings in Deep Residual Networks, section 4;
        Zagoruyko and Komodakis (2016), Wide Residual Networks, section 2.4, for the place of the
        dropout; Tompson et al. (2015), Efficient Object Localization Using Convolutional Networks,
        section 3.2, for whole channels, which also takes few random numbers.
    """

    def __init__(self, width: int, dropout: float = 0.0):
        """Start as nearly the identity."""
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.dropout = nn.Dropout2d(dropout)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight *= 0.1
            self.second.bias *= 0.1

    def forward(self, h: Float[Tensor, " batch c s s"]) -> Float[Tensor, " batch c s s"]:
        """Return h + correction(h), (B, C, s, s)."""
        return h + self.second(self.dropout(F.relu(self.first(F.relu(h)))))


class Head(nn.Module):
    r"""From features of a place to the probabilities of the grey values of a pixel there.

    P(0) is :math:`1 - \sigma(a)` and P(k) is :math:`\sigma(a)` times a softmax over the K - 1
    inks: most pixels are 0, and at these the softmax, most of the work, is not needed.

    Args:
        width: features of a place.
        hidden: units of the hidden layer of the softmax.
        histogram: how often each grey value occurs, (K,), all above 0; where learning starts.
    """

    def __init__(self, width: int, hidden: int, histogram: Tensor):
        """Start at the frequencies in the histogram, whatever the features."""
        super().__init__()
        self.ink = nn.Linear(width, 1)
        self.shade = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, len(histogram) - 1)
        )
        log_counts = histogram.double().log()
        with torch.no_grad():
            self.ink.bias.copy_(log_counts[1:].logsumexp(0) - log_counts[0])
            self.shade[-1].bias.copy_(log_counts[1:].log_softmax(0))

    def log_probs(self, h: Float[Tensor, " batch h w c"]) -> Float[Tensor, " batch h w bins"]:
        """Return the logarithms of all probabilities, (B, h, w, K), for features (B, h, w, C)."""
        ink = self._full(self.ink(h))
        shade = self._full(self.shade(h)).log_softmax(-1)
        return torch.cat([F.logsigmoid(-ink), F.logsigmoid(ink) + shade], -1)

    def log_prob_at(
        self, h: Float[Tensor, " batch h w c"], grey: Int[Tensor, " batch h w"]
    ) -> Float[Tensor, " batch h w"]:
        """Return the logarithm of the probability of one grey value a place.

        Args:
            h: features, (B, h, w, C).
            grey: the values, (B, h, w).

        Returns:
            (B, h, w): what `log_probs` has there; on a CPU for a fifth of the work on digits.
        """
        places, value = h.flatten(0, 2), grey.flatten()
        ink = self._full(self.ink(places))[:, 0]
        log_prob = F.logsigmoid(torch.where(value > 0, ink, -ink))
        # Which pixels are ink, an accelerator would have to tell the processor, and wait for it.
        of_shade = self._of_ink_alone if value.device.type == "cpu" else self._of_all
        return (log_prob + of_shade(places, value)).view(grey.shape)

    def _of_ink_alone(self, places: Tensor, value: Tensor) -> Tensor:
        """Return log P(value, given that it is ink), 0 where it is not; computed for ink only."""
        inked = value.nonzero()[:, 0]
        # A processor prepares its products for each number of rows anew, which takes longer than
        # the products: with some rows to spare the number is nearly always one that it has met.
        rows = F.pad(inked, (0, -len(inked) % 256))
        found = self._log_shades(places.index_select(0, rows), value[rows].clamp(min=1))
        return found.new_zeros(len(value)).index_add(0, inked, found[: len(inked)])

    def _of_all(self, places: Tensor, value: Tensor) -> Tensor:
        """Return the same, computed for every pixel; no shape depends on a value."""
        return self._log_shades(places, value.clamp(min=1)).where(value > 0, 0.0)

    def _log_shades(self, places: Tensor, ink: Tensor) -> Tensor:
        log_probs = self._full(self.shade(places)).log_softmax(-1)
        return log_probs.gather(1, ink[:, None] - 1)[:, 0]

    def _full(self, logits: Tensor) -> Tensor:
        """Leave the 16 bits that the networks may run in: probabilities need more."""
        return logits.to(self.ink.weight.dtype)


class Marginal(nn.Module):
    """The probabilities of the first pixel, which nothing is known about; a `Head` without input.

    Args:
        histogram: how often each grey value occurs, (K,), all above 0.
    """

    def __init__(self, histogram: Tensor):
        """Start at the frequencies in the histogram."""
        super().__init__()
        logits = histogram.double().log().log_softmax(0)
        self.logits = nn.Parameter(logits.to(torch.get_default_dtype()))

    def log_probs(self, h: None) -> Float[Tensor, " 1 1 bins"]:
        """Return the logarithms of the probabilities, (1, 1, K); `h` is not there."""
        return self.logits.log_softmax(0)[None, None]

    def log_prob_at(self, h: None, grey: Tensor) -> Tensor:
        """Return them at grey values (B, 1, 1), in the same shape; `h` is not there."""
        return self.logits.log_softmax(0)[grey]


class Level(nn.Module):
    """The conditioner of the three couplings of a level: a running summary of all that is known.

    Args:
        side: height and width of the known quarter.
        width: channels of the summary.
        blocks: residual blocks before each of the three quarters.
        coarser: channels of the coarser level's summary; 0 at the coarsest.
        hidden: of the `Head`.
        histogram: of the `Head`, (K,).
        finest: whether nobody reads the summary after the last quarter.
        dropout: of the `ResidualBlock`.
    """

    def __init__(
        self,
        side: int,
        width: int,
        blocks: tuple[int, int, int],
        coarser: int,
        hidden: int,
        histogram: Tensor,
        finest: bool,
        dropout: float = 0.0,
    ):
        """Make the networks."""
        super().__init__()
        self.side = side
        self.features = PixelFeatures(len(histogram))
        self.enter = nn.Conv2d(NUM_FEATURES, width, 3, padding=1, bias=False)
        self.position = nn.Parameter(torch.zeros(1, width, side, side))
        self.lift = nn.Conv2d(coarser, 4 * width, 1, bias=False) if coarser else None
        self.blocks = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, dropout) for _ in range(count)))
            for count in blocks
        )
        self.read = nn.ModuleList(
            nn.Conv2d(NUM_FEATURES, width, 3, padding=1) for _ in range(2 if finest else 3)
        )
        self.head = Head(width, hidden, histogram)

    def begin(self, known: Int[Tensor, " batch s s"], coarser: Tensor | None) -> Tensor:
        """Return the summary of the known quarter.

        Args:
            known: its grey values, (B, s, s).
            coarser: the coarser level's summary, (B, C', ceil(s / 2), ceil(s / 2)), or None.

        Returns:
            (B, C, s, s).
        """
        h = self.enter(self.features(known, self.side))
        h = h + self.position.to(h.dtype)  # a sum in float32 would cost the 16 bits' speed
        if self.lift is not None:
            h = h + F.pixel_shuffle(self.lift(coarser), 2)[:, :, : self.side, : self.side]
        return self.blocks[0](h)

    def add(self, h: Tensor, quarter: Int[Tensor, " batch h w"], number: int) -> Tensor:
        """Return the summary (B, C, s, s) after one more quarter.

        Args:
            h: the summary before, (B, C, s, s).
            quarter: its grey values, (B, h, w).
            number: 0, 1 or 2.
        """
        if number < len(self.read):
            h = h + self.read[number](self.features(quarter, self.side))
        return self.blocks[number + 1](h) if number < 2 else h
