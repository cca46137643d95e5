// Play, Pause, Step and Reset for a graph with state: live.Player.

import { make, view } from "./common.js";

// Milliseconds of computing between two drawings; a round trip to a kernel may take longer.
const BUDGET = { "": 12, browser: 12, kernel: 60 };
const MOST_STEPS = 200; // between two drawings
const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const nextFrame = () => new Promise((drawn) => requestAnimationFrame(drawn));

/**
 * How many steps to take next: what fits between two drawings, at most twice as many as before.
 *
 * @param {number} count steps that were taken last
 * @param {number} cost milliseconds that each of them took
 * @param {keyof typeof BUDGET} backend
 */
export const stepsNext = (count, cost, backend) =>
  Math.round(Math.max(1, Math.min(MOST_STEPS, 2 * count, BUDGET[backend] / cost)));

/**
 * The graph's model, and what evaluates it (graph.js); either may be created after the player.
 *
 * @param {import("./types").Model<Traits>} model
 * @returns {Promise<[import("./types").Target, import("./types").Engine]>}
 */
async function findGraph(model) {
  const id = model.get("_graph").slice("IPY_MODEL_".length);
  for (let tries = 0; ; tries++) {
    try {
      const graph = await model.widget_manager.get_model(id);
      const engine = graph && globalThis.dgmGraphs?.get(graph.get("_key"));
      if (engine) return [graph, engine];
    } catch (error) {
      if (tries > 600) throw error;
    }
    await new Promise((ok) => setTimeout(ok, 50));
  }
}

/**
 * @typedef {{ _graph: string, _label: string, _alarm: [output: string, words: string] }} Traits
 * @param {import("./types").Context<Traits>} context
 */
function player({ model, el }) {
  /** @param {string} text */
  const button = (text) =>
    make("button", { type: "button", className: "dgm-button", disabled: true }, text);
  const [play, step, reset] = ["Play", "Step", "Reset"].map(button);
  const numbers = make("span", { className: "dgm-numbers" });
  const words = make("p", { role: "status" });
  const group = make(
    "div",
    { className: "dgm-row", role: "group", "aria-label": model.get("_label") },
    play,
    step,
    reset,
    numbers,
  );
  el.append(group, words);
  const closing = new AbortController();
  const parts = { model, el, play, step, reset, numbers, words, closing: closing.signal };
  findGraph(model).then(([graph, engine]) => connect({ ...parts, graph, engine }));
  return () => closing.abort();
}

/**
 * @typedef {Record<"play" | "step" | "reset", HTMLButtonElement>} Buttons
 * @typedef {{ numbers: HTMLElement, words: HTMLElement, closing: AbortSignal }} Rest
 * @typedef {{ graph: import("./types").Target, engine: import("./types").Engine }} Played
 * @param {import("./types").Context<Traits> & Buttons & Rest & Played} parts
 */
function connect({ model, el, play, step, reset, numbers, words, closing, graph, engine }) {
  let [playing, inSight, steps, speed] = [false, true, graph.get("steps_per_tick"), 0];
  /** @type {Promise<void>} */
  let turn = Promise.resolve();
  const [alarm, alarmWords] = model.get("_alarm");
  const age = () => engine.status.age ?? 0;
  const alarming = () => {
    const { output } = engine.status;
    return output.includes("null") || (alarm !== "" && JSON.parse(output)[alarm] !== 0);
  };
  /** @param {string} text */
  const say = (text) => {
    words.classList.toggle("dgm-alarm", alarming());
    if (alarming()) text = `After ${grouped.format(age())} steps ${alarmWords}`;
    if (words.textContent !== text) words.textContent = text;
  };
  const show = () => {
    play.textContent = playing ? "Pause" : "Play";
    play.disabled = step.disabled = engine.status.state !== "ready";
    reset.disabled = engine.status.state === "loading";
    const pace = playing && speed ? `, ${grouped.format(speed)} a second` : "";
    numbers.textContent = `${grouped.format(age())} steps${pace}`;
    Object.assign(el.dataset, { dgmAge: age(), dgmSpeed: speed.toFixed(1), dgmPlaying: playing });
    if (words.classList.contains("dgm-alarm") && !alarming()) say("Started again.");
  };
  engine.watchers.add(show);
  show();

  /**
   * One tick of this many steps; settled when the graph has done it or has failed.
   *
   * @param {number} count
   * @returns {Promise<void>}
   */
  const advance = (count) =>
    new Promise((done) => {
      const tick = graph.get("ticks") + 1;
      /** @param {import("./types").Status} status */
      const watch = ({ state }) => {
        if (engine.status.tick !== tick && state !== "error") return;
        engine.watchers.delete(watch);
        done();
      };
      engine.watchers.add(watch);
      graph.set("steps_per_tick", count);
      graph.set("ticks", tick);
      graph.save_changes();
    });

  async function run() {
    let [since, before] = [performance.now(), age()];
    while (playing) {
      await nextFrame(); // none come while the page is hidden
      const start = performance.now();
      if (!inSight || start - since > 2000) [since, before] = [start, age()];
      if (!inSight || !playing) continue;
      const count = steps;
      await advance(count);
      const cost = engine.status.cost ?? (performance.now() - start) / count; // of a step
      steps = stepsNext(count, cost, engine.status.backend);
      if (age() < before) [since, before] = [start, age()]; // a reset
      if (performance.now() - since > 500) {
        speed = (1000 * (age() - before)) / (performance.now() - since);
        [since, before] = [performance.now(), age()];
      }
      if (alarming() || engine.status.state !== "ready") playing = false;
      show();
    }
    say(`Paused after ${grouped.format(age())} steps.`);
  }

  /** @param {() => Promise<void>} work one thing at a time */
  const next = (work) => {
    turn = turn.then(work).then(show);
  };
  play.addEventListener("click", () => {
    playing = !playing;
    speed = 0;
    show();
    if (!playing) return;
    say("Running.");
    next(run);
  });
  step.addEventListener("click", () => {
    playing = false;
    next(() => advance(1).then(() => say(`Paused after ${grouped.format(age())} steps.`)));
  });
  reset.addEventListener("click", () => {
    graph.set("resets", graph.get("resets") + 1);
    graph.save_changes();
    if (!playing && !alarming()) say("Started again.");
  });
  const sight = new IntersectionObserver((entries) => {
    inSight = Boolean(entries.at(-1)?.isIntersecting);
  });
  sight.observe(el.closest(".dgm-figure") ?? el);
  closing.addEventListener("abort", () => {
    playing = false;
    sight.disconnect();
    engine.watchers.delete(show);
  });
}

export default view("player", player);
