"""Tests side by side: what belongs together goes to one worker."""

import os
import re
import subprocess
import sys
from pathlib import Path

import isolation
import page_checks  # noqa: F401 (registers the checks)
import visits


def test_a_page_is_a_group_and_so_is_a_file():
    of = isolation.group
    http = of("tests/pages/test_pages.py::test_page[vae/elbo:http:every_formula_is_set]")
    assert http == of("tests/pages/test_pages.py::test_page[vae/elbo:dark:it_is_dark]")
    assert http != of("tests/pages/test_pages.py::test_page[vae/losses:http:every_formula_is_set]")
    assert of("tests/test_vae.py::test_a[1:2-x]") != of("tests/test_gan.py::test_a[1:2-x]")
    assert of("tests/test_vae.py::test_a") == of("tests/test_vae.py::test_b[x]")
    assert of("tests/live/test_player.py::test_a") == of("tests/live/test_browser.py::test_b")


def test_files_that_share_are_there():
    for files in isolation.TOGETHER.items():
        assert all(Path(file).exists() for file in files)


def test_every_test_of_a_page_has_an_id_that_opens_with_the_page():
    for address, page in (
        ("book/vae/elbo.html", "vae/elbo"),
        ("book/index.html", "index"),
        ("index.html", "front-door"),
        ("search.html", "search"),
    ):
        groups = {isolation.group(f"f.py::test_page[{c.id}]") for c in visits.cases([address])}
        assert groups == {f"f.py {page}"}


TOY = """
import os, pytest

@pytest.mark.parametrize("k", range(5))
@pytest.mark.parametrize("page", ["a:", "b:", "c:", "d:"])
def test_page(page, k):
    print("made", page, os.environ["PYTEST_XDIST_WORKER"])
"""


def test_no_group_is_divided_between_workers(tmp_path):
    (tmp_path / "test_toy.py").write_text(TOY, encoding="utf8")
    (tmp_path / "pytest.ini").write_text("[pytest]", encoding="utf8")
    command = [sys.executable, "-m", "pytest", "-p", "isolation", "-p", "xdist", "-n", "2", "-rP"]
    outside = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_XDIST")}
    outside["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # some import what takes seconds
    outside["PYTHONPATH"] = str(Path(isolation.__file__).parent)
    run = subprocess.run(
        command, cwd=tmp_path, env=outside, capture_output=True, text=True, encoding="utf8"
    )
    made = re.findall(r"^made (\w): (\w+)$", run.stdout, re.MULTILINE)
    assert len(made) == 20, run.stdout + run.stderr
    workers = {page: {worker for one, worker in made if one == page} for page in "abcd"}
    assert all(len(found) == 1 for found in workers.values())
    assert len(set.union(*workers.values())) == 2
