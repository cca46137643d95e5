"""The pixels that a level of the pyramid adds, and how they come together again."""

import pytest
import torch

from dgm_core.flows.pyramid_levels import QUARTERS, interleave, lattice


@pytest.mark.parametrize("side", [2, 4, 5, 7])
def test_the_quarters_put_back_together_are_the_image(side):
    images = torch.arange(3 * side**2).view(3, side, side)
    corners = ((0, 0), *QUARTERS)
    quarters = [images[lattice(2, row, column)] for row, column in corners]
    assert sum(quarter.numel() for quarter in quarters) == images.numel()
    assert torch.equal(interleave(quarters, side), images)
