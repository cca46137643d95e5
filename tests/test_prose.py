"""A sentence's numbers reach the page as myst-nb's own `glue` would write them."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from myst_nb import glue

from dgm_core.prose import report
from dgm_core.protocol import measure


@pytest.fixture(autouse=True)
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def shown(work) -> list[tuple[dict, dict]]:
    """What work displays: bundles and their metadata."""
    with capture_output() as captured:
        work()
    return [(output.data, output.metadata) for output in captured.outputs]


def values(**reported) -> dict:
    bundles = shown(lambda: report("a", **reported))
    plain = "application/papermill.record/text/plain"
    return {meta["scrapbook"]["name"]: eval(data[plain]) for data, meta in bundles}


@pytest.mark.parametrize("value", [0.25, 3, "by hand"])
def test_it_writes_what_glue_writes(value):
    ours = shown(lambda: report("elbo", best_gap=value))
    assert ours == shown(lambda: glue("elbo-best-gap", value, display=False))
    assert all(kind.startswith("application/papermill.record/") for kind in ours[0][0])


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (torch.tensor(0.5, requires_grad=True), 0.5),
        (torch.tensor([[7]]), 7),
        (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
        (np.float64(0.1), 0.1),
        (np.array([2]), 2),
        (True, True),
    ],
)
def test_numbers_of_any_kind_become_pythons(value, number):
    found = values(x=value)["a-x"]
    assert found == number and type(found) is type(number)


def test_a_mean_with_its_error_gets_a_name_for_each_part():
    losses = torch.tensor([1.0, 2.0, 3.0])
    found = values(nll={"test": measure(losses, "digits")})
    assert found == {
        "a-nll-test-mean": 2.0,
        "a-nll-test-error": pytest.approx(3**-0.5),
        "a-nll-test-count": 3,
        "a-nll-test-over": "digits",
    }


def test_several_at_once_get_a_name_each():
    assert values(bits={"own": 1, "all_of": torch.tensor(2)}) == {
        "a-bits-own": 1,
        "a-bits-all_of": 2,
    }
    assert values(x=[torch.tensor([3, 4]), 5]) == {"a-x-0-0": 3, "a-x-0-1": 4, "a-x-1": 5}
    assert values(rate_of=torch.tensor([1.5, 2.5])) == {"a-rate-of-0": 1.5, "a-rate-of-1": 2.5}


def test_what_no_sentence_can_hold_is_refused():
    with pytest.raises(TypeError, match="a-x is a set: report numbers"):
        report("a", x={1, 2})


def test_it_needs_no_myst_nb():
    code = (
        "import sys, dgm_core.prose; print(*(n in sys.modules for n in ('myst_nb', 'nbformat')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, encoding="utf8"
    )
    assert run.stdout.split() == ["False", "False"], run.stderr
