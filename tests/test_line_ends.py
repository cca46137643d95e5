"""A checkout on a machine whose Git writes CRLF: scripts run, and sums of files agree."""

import subprocess

import pytest
from browser import ROOT


@pytest.fixture
def checkout(tmp_path):
    """The files of the index as `git clone` writes them where ``core.autocrlf`` is true."""
    if not (ROOT / ".git").exists():
        pytest.skip("no repository, so nobody clones it")
    command = ["git", "-c", "core.autocrlf=true", "checkout-index", "--all"]
    subprocess.run([*command, f"--prefix={tmp_path}/"], cwd=ROOT, check=True)
    return tmp_path


def test_no_text_has_line_ends_of_windows(checkout):
    attributes = subprocess.run(
        ["git", "ls-files", "--eol"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf8",
        check=True,
    )
    lines = [line.split("\t") for line in attributes.stdout.splitlines()]
    texts = [name for eol, name in lines if not eol.startswith("i/-text")]
    assert {".ci/run", "Makefile", "dgm_core/mnist/SHA256SUMS"} < set(texts)
    assert [name for name in texts if b"\r" in (checkout / name).read_bytes()] == []


def test_scripts_of_the_shell_can_be_read(checkout):
    for name in (".ci/run",):
        subprocess.run(["bash", "-n", checkout / name], check=True)
        assert (checkout / name).read_bytes().splitlines()[0] == b"#!/usr/bin/env bash"
