"""Figures for a JupyterLab, a witness of what they leave in the page, and what is done to them."""

from labs import IDLE, PANEL, RUN, command

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
