"""The command that makes what ships: ``python -m dgm_core.pretrained flow``."""

import argparse
import sys
from collections.abc import Sequence

from dgm_core.pretrained import make_denoiser, make_flow, make_judge, make_map, make_pixelcnn

MAKERS = {
    "flow": make_flow.main,
    "judge": make_judge.main,
    "map": make_map.main,
    "pixelcnn": make_pixelcnn.main,
    "denoiser": make_denoiser.main,
}


def main(argv: Sequence[str]) -> int:
    """Make the model that the first word names; the others are its maker's.

    Args:
        argv: the words of the command line.

    Returns:
        The exit status: 0 when it is done.
    """
    parser = argparse.ArgumentParser(
        "python -m dgm_core.pretrained",
        description=__doc__,
        epilog="For the options of one: python -m dgm_core.pretrained flow --help",
    )
    parser.add_argument("model", choices=MAKERS)
    return MAKERS[parser.parse_args(argv[:1]).model](argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
