"""Figures in a real JupyterLab whose kernel is interrupted, restarted, changed or shared."""

import pytest
from kernels import HANGS
from lab_figures import FIGURE, IMPORTS, OUTPUT, press
from labs import IDLE, PANEL, READY, RUN, command, execute, says

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def nothing_is_held(lab):
    """No file of a test that failed keeps the next one's kernel."""
    yield
    for name in ("hold", "held", "interrupted"):
        (lab.folder / name).unlink(missing_ok=True)


def comes(page, path):
    """Wait for a file, and remove it."""
    for _ in range(20 * HANGS):
        if path.exists():
            break
        page.wait_for_timeout(50)
    path.unlink()  # raises where it has not come


def interrupt(page, lab):
    """Interrupt the kernel while a figure's function keeps it, then let functions return."""
    comes(page, lab.folder / "held")  # what comes before a function runs would not be heard
    says(page, "The Python kernel is busy")
    command(page, "notebook:interrupt-kernel")
    comes(page, lab.folder / "interrupted")
    (lab.folder / "hold").unlink()
    (lab.folder / "held").unlink(missing_ok=True)
    page.wait_for_function(IDLE)


def test_a_kernel_is_interrupted_while_a_figure_is_moved(lab, page):
    execute(page, lab, "interrupted-move", IMPORTS, FIGURE)
    (lab.folder / "hold").touch()
    page.locator(".noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    interrupt(page, lab)
    says(page, "The function failed: KeyboardInterrupt")
    press(page, "ArrowRight", 6)
    says(page, "Evaluated by the Python kernel.")


def test_a_kernel_restarts_while_a_slider_is_dragged(lab, page):
    execute(page, lab, "dragged", IMPORTS, FIGURE)
    page.locator(".noUi-handle").scroll_into_view_if_needed()
    box = page.locator(".noUi-target").bounding_box()
    middle = box["y"] + box["height"] / 2
    at = lambda part: (box["x"] + part * box["width"], middle)  # noqa: E731
    page.mouse.move(*at(0.1))
    page.mouse.down()
    page.mouse.move(*at(0.3), steps=5)
    page.evaluate(f"void {PANEL}.sessionContext.restartKernel()")
    page.mouse.move(*at(0.8), steps=20)
    says(page, "no longer knows this figure")
    page.wait_for_selector(READY, state="attached")
    page.mouse.move(*at(0.6), steps=20)
    page.mouse.up()
    shown = "2 * Number(document.querySelector('.noUi-handle').getAttribute('aria-valuenow'))"
    page.wait_for_function(f"{OUTPUT} === {shown}")
    assert page.evaluate(shown) == 12
    page.wait_for_function("document.querySelector('.dgm-figure').innerText.includes('12')")


def test_a_figure_whose_notebook_takes_another_kernel_lives_on_in_the_page(lab, page):
    execute(page, lab, "another-kernel", IMPORTS, FIGURE)
    page.evaluate(f"void {PANEL}.sessionContext.changeKernel({{ name: 'python3' }})")
    says(page, "no longer knows this figure")
    page.wait_for_selector(READY, state="attached")
    press(page, "ArrowRight", 4)


def test_two_notebooks_of_one_kernel_have_each_a_figure_that_answers(lab, page):
    execute(page, lab, "left", IMPORTS, FIGURE)
    lab.write("right", IMPORTS, FIGURE.replace("fig-double", "fig-right"))
    page.evaluate(
        f"""async () => {{
          const {{ id, name }} = {PANEL}.sessionContext.session.kernel;
          globalThis.left = {PANEL};
          globalThis.right = await jupyterapp.commands.execute("docmanager:open", {{
            path: "right.ipynb", kernel: {{ id, name }}, options: {{ mode: "split-right" }} }});
          await right.sessionContext.ready;
          return right.sessionContext.session.kernel.id === id;
        }}"""
    )
    page.evaluate("void jupyterapp.shell.activateById(right.id)")
    page.wait_for_function(
        f"""() => {{
          if (jupyterapp.shell.currentWidget !== right) return false;
          void jupyterapp.commands.execute("{RUN}");
          return true;
        }}"""
    )
    page.wait_for_function(f"document.querySelectorAll('{READY}').length === 2")
    press(page, "ArrowRight", 4, figure=0)
    press(page, "End", 20, figure=1)
    page.evaluate("right.dispose()")
    page.wait_for_function("document.querySelectorAll('.dgm-graph').length === 1")
    press(page, "ArrowRight", 6)
