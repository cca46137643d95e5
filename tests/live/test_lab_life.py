"""How figures come and go in a real JupyterLab: run again, closed, opened, and disturbed."""

import nbformat
import pytest
from kernels import HANGS, PATIENCE
from labs import IDLE, PANEL, READY, RUN, command, execute, open_notebook, says
from nbclient import NotebookClient
from nbformat.sign import NotebookNotary

pytestmark = pytest.mark.browser

# The tests keep a kernel in `wait`, by a file.
IMPORTS = """
import pathlib, time, torch
from dgm_core import live

def wait():
    try:
        while pathlib.Path("hold").exists():
            pathlib.Path("held").touch()
            time.sleep(0.01)
    except KeyboardInterrupt:
        pathlib.Path("interrupted").touch()
        raise
"""
FIGURE = """
def double(a):
    wait()
    return {"y": 2 * a, "line": a * torch.ones(3)}

graph = live.Graph(double, {"a": 1.0})
chart = live.Chart("x", "y")
graph.drive(chart.line([0, 1, 2], [0, 0, 0]), y="line")
live.figure(chart, live.sliders(graph, a=("a", 0, 10, 1)), live.words(graph, "{y:.0f}"), graph,
            caption="Twice a number.", name="fig-double")
"""
COUNT = """
def add(by, total):
    wait()
    return {"total": total + by}

count = live.Graph(add, {"by": 1.0}, state={"total": torch.tensor(0.0)})
live.figure(live.Player(count), count, caption="Counting.", name="fig-count")
"""
QUIZ = 'live.quiz("Half of 1?", answer=0.5, tolerance=0.01, why="1 / 2")'

# Counts what our scripts have under way: they come from blobs, as nobody else's do. (Whether their
# objects leave the page's memory is not asked: anywidget keeps the model of each closed widget.)
WITNESS = """
const own = () => /blob:/.test(new Error().stack);
globalThis.alive = { sessions: new Set(), observers: new Set(), timers: new Set() };
for (const target of [globalThis, document]) {
  const { addEventListener } = target;
  target.addEventListener = (...rest) => {
    if (own()) throw new Error("a listener that outlives its figure");
    addEventListener.apply(target, rest);
  };
}
for (const name of ["IntersectionObserver", "ResizeObserver", "MutationObserver"])
  globalThis[name] = class extends globalThis[name] {
    own = own();
    observe(...rest) {
      if (this.own) alive.observers.add(this);
      super.observe(...rest);
    }
    disconnect() {
      alive.observers.delete(this);
      super.disconnect();
    }
  };
const { setTimeout, clearTimeout, setInterval } = globalThis;
globalThis.setTimeout = (call, ...rest) => {
  const timer = setTimeout((...given) => {
    alive.timers.delete(timer);
    call(...given);
  }, ...rest);
  if (own()) alive.timers.add(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => {
  alive.timers.delete(timer);
  clearTimeout(timer);
};
globalThis.setInterval = (...rest) => {
  if (own()) throw new Error("an interval");
  return setInterval(...rest);
};
let runtime;
Object.defineProperty(globalThis, "dgmOrt", {
  get: () => runtime,
  set(promise) {
    runtime = promise?.then((ort) => {
      const { create } = ort.InferenceSession;
      ort.InferenceSession.create = async (...rest) => {
        const session = await create.apply(ort.InferenceSession, rest);
        const { release } = session;
        alive.sessions.add(session);
        session.release = () => {
          alive.sessions.delete(session);
          return release.call(session);
        };
        return session;
      };
      return ort;
    });
  },
});
"""
ALIVE = """() => ({
  graphs: dgmGraphs.size,
  ...Object.fromEntries(Object.entries(alive).map(([name, set]) => [name, set.size])),
})"""
# The page's graphs, all ready; a run of the cells is over when others are there than before.
KEYS = "() => [...dgmGraphs.values()].map((graph) => graph.key)"
ALL_NEW = """(before) => {
  const graphs = [...dgmGraphs.values()];
  return graphs.length === before.length && graphs.every(
    ({ key, status }) => !before.includes(key) && status.state === "ready");
}"""
AGE = "[...dgmGraphs.values()].find(({ stateful }) => stateful).status.age"
OUTPUT = "JSON.parse(document.querySelector('.dgm-graph').dataset.dgmOutput).y"


def run_again(page):
    """Run all cells, and wait until none of the graphs before is there, and as many new ones."""
    before = page.evaluate(KEYS)
    command(page, RUN)
    page.wait_for_function(ALL_NEW, arg=before)
    page.wait_for_function(IDLE)


def press(page, key, output, figure=0):
    """Press a key on the slider of a figure, and wait until its graph puts out twice its value."""
    page.locator(".dgm-figure").nth(figure).locator(".noUi-handle").focus()
    page.keyboard.press(key)
    page.wait_for_function(
        """([figure, output]) => JSON.parse(document.querySelectorAll(".dgm-figure")[figure]
             .querySelector(".dgm-graph").dataset.dgmOutput).y === output""",
        arg=[figure, output],
    )


def restart(page):
    """Restart the kernel, without a question, and wait until it is there."""
    page.evaluate(f"{PANEL}.sessionContext.restartKernel()")
    page.wait_for_function(IDLE)


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


@pytest.fixture(autouse=True)
def nothing_is_held(lab):
    """No file of a test that failed keeps the next one's kernel."""
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
    NotebookClient(notebook, **PATIENCE, kernel_name="python3").execute()  # with its widgets
    nbformat.write(notebook, path)
    notary = NotebookNotary(data_dir=str(lab.folder / "JUPYTER_DATA_DIR"))
    notary.sign(notebook)  # as `jupyter trust` does; of others JupyterLab shows no widgets
    open_notebook(page, lab, "saved")
    page.wait_for_selector(f"[data-dgm-backend=browser]{READY}", state="attached")
    says(page, "Runs in your browser.")
    press(page, "ArrowRight", 4)
