"""Progress is shown to whom it may concern, and to nobody else."""

import pytest
from kernels import execute_notebook
from trainings import train_vae

from dgm_core.training import progress_bar


def test_nobody_watches_nothing_is_shown(capfd):
    train_vae()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("variable", ["CI", "DGM_QUIET"])
def test_a_terminal_shows_progress_unless_it_is_asked_not_to(monkeypatch, variable):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("DGM_QUIET", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert not progress_bar(10, 0, None).disable
    monkeypatch.setenv(variable, "1")
    assert progress_bar(10, 0, None).disable


def test_progress_goes_to_standard_output(capsys):
    train_vae(progress=True)
    out, err = capsys.readouterr()
    assert "120/120" in out and "loss" in out and err == ""


@pytest.mark.book
def test_an_executed_notebook_shows_no_progress(monkeypatch):
    import nbformat

    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("DGM_QUIET", raising=False)
    code = """
import torch
from dgm_core import data, training
from dgm_core.training import console
w = torch.nn.Parameter(torch.ones(1))
training.fit(lambda x: w * x, [w], data.batches(torch.ones(60), 1));
"""
    shown = "get_ipython().kernel._allow_stdin = True\nassert console._someone_waits()"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell(shown)]
    )
    execute_notebook(notebook)
    assert [cell.outputs for cell in notebook.cells] == [[], []]
