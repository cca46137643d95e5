"""How figures come and go in a real JupyterLab: run again, closed, opened."""

import nbformat
import pytest
from kernels import execute_notebook
from lab_figures import (
    AGE,
    ALIVE,
    ALL_NEW,
    COUNT,
    FIGURE,
    IMPORTS,
    KEYS,
    OUTPUT,
    QUIZ,
    WITNESS,
    press,
    restart,
    run_again,
)
from labs import IDLE, PANEL, READY, RUN, command, execute, open_notebook, says
from nbformat.sign import NotebookNotary

pytestmark = pytest.mark.browser


def test_cells_that_run_ten_times_leave_nothing_of_before_in_the_page(lab, page):
    page.add_init_script(WITNESS)
    execute(page, lab, "ten", IMPORTS, FIGURE, COUNT, QUIZ)
    page.wait_for_function("dgmGraphs.size === 2")
    run_again(page)
    page.wait_for_function("alive.timers.size === 0")
    once = page.evaluate(ALIVE)
    assert once == {"graphs": 2, "sessions": 0, "observers": once["observers"], "timers": 0}
    assert once["observers"] > 0  # of the chart and the player
    for _ in range(9):
        run_again(page)
    page.wait_for_function("alive.timers.size === 0")
    assert page.evaluate(ALIVE) == once


def test_a_figure_that_lived_on_in_the_page_leaves_no_session_when_its_cell_runs(lab, page):
    page.add_init_script(WITNESS)
    execute(page, lab, "lived-on", IMPORTS, FIGURE)
    restart(page)
    page.wait_for_selector("[data-dgm-backend=browser][data-dgm-parity]", state="attached")
    assert page.evaluate(ALIVE)["sessions"] == 1
    command(page, RUN)
    page.wait_for_selector(f"[data-dgm-backend=kernel]{READY}", state="attached")
    page.wait_for_function("alive.sessions.size === 0 && alive.timers.size === 0")
    assert page.locator(".dgm-graph").count() == 1


def test_all_cells_run_twice_at_once_leave_one_figure_that_answers(lab, page):
    execute(page, lab, "at-once", IMPORTS, FIGURE)
    before = page.evaluate(KEYS)
    for _ in range(2):
        command(page, RUN)
    page.wait_for_function(ALL_NEW, arg=before)
    page.wait_for_function(IDLE)
    page.wait_for_function(f"document.querySelectorAll('{READY}').length === 1")
    press(page, "ArrowRight", 4)


def test_an_input_may_be_renamed_and_its_cell_run_again(lab, page):
    execute(page, lab, "renamed", IMPORTS, FIGURE)
    press(page, "ArrowRight", 4)
    renamed = FIGURE.replace("double(a)", "double(b)").replace("2 * a", "2 * b")
    renamed = renamed.replace("a * torch", "b * torch").replace('"a": 1.0', '"b": 3.0')
    renamed = renamed.replace("a=(", "b=(")
    page.evaluate(f"text => {PANEL}.content.widgets[1].model.sharedModel.setSource(text)", renamed)
    run_again(page)
    assert page.evaluate(OUTPUT) == 6
    press(page, "ArrowRight", 8)


def test_a_cell_is_deleted_while_its_player_plays(lab, page):
    execute(page, lab, "deleted", IMPORTS, COUNT, FIGURE)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{AGE} > 5")
    page.evaluate(f"{PANEL}.content.activeCellIndex = 1")
    command(page, "notebook:delete-cell")
    page.wait_for_function("!document.querySelector('.dgm-view-player')")
    page.wait_for_function(IDLE)
    stopped = page.evaluate(
        f"""async () => {{
          const frame = () => new Promise((ok) => requestAnimationFrame(ok));
          for (let before = -1; before !== {AGE}; await frame(), await frame()) before = {AGE};
          return {AGE};
        }}"""
    )
    press(page, "ArrowRight", 4)  # the kernel answers, and has nothing else to do
    assert page.evaluate(AGE) == stopped


def test_a_notebook_closed_and_opened_again_has_figures_of_its_kernel(lab, page):
    page.add_init_script(WITNESS)
    execute(page, lab, "reopened", IMPORTS, FIGURE, COUNT)
    page.wait_for_function("dgmGraphs.size === 2")
    press(page, "ArrowRight", 4)
    page.evaluate(f"async () => {{ await {PANEL}.context.save(); {PANEL}.dispose(); }}")
    page.wait_for_function("dgmGraphs.size === 0 && alive.timers.size === 0")
    nothing = {"graphs": 0, "sessions": 0, "observers": 0, "timers": 0}
    assert page.evaluate(ALIVE) == nothing
    page.evaluate("void jupyterapp.commands.execute('docmanager:open', {path: 'reopened.ipynb'})")
    page.wait_for_function(f"document.querySelectorAll('{READY}').length === 2")
    assert page.evaluate(OUTPUT) == 4
    press(page, "ArrowRight", 6)
    says(page, "Evaluated by the Python kernel.")
    page.get_by_role("button", name="Step").click()
    page.wait_for_function("document.querySelector('.dgm-view-player').dataset.dgmAge === '1'")


def test_a_saved_notebook_has_figures_that_run_in_the_page(lab, page):
    lab.write("saved", IMPORTS, FIGURE)
    path = lab.folder / "saved.ipynb"
    notebook = nbformat.read(path, 4)
    execute_notebook(notebook, kernel_name="python3")  # with its widgets
    nbformat.write(notebook, path)
    notary = NotebookNotary(data_dir=str(lab.folder / "JUPYTER_DATA_DIR"))
    notary.sign(notebook)  # as `jupyter trust` does; of others JupyterLab shows no widgets
    open_notebook(page, lab, "saved")
    page.wait_for_selector(f"[data-dgm-backend=browser]{READY}", state="attached")
    says(page, "Runs in your browser.")
    press(page, "ArrowRight", 4)
