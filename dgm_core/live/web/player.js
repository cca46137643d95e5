// Play, Pause, Step and Reset for a graph with state: live.Player.

import { make, view } from "./common.js";
import { findModel, hear, sleep, wholeOf } from "./models.js";

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
 * @param {() => boolean} isClosed whether nobody waits any more
 * @returns {Promise<Played>}
 */
async function findGraph(model, isClosed) {
  const graph = await findModel(model.widget_manager, model.get("_graph"), isClosed);
  const whole = wholeOf(graph);
  while (!isClosed()) {
    const engine = globalThis.dgmGraphs?.get(whole);
    if (engine) return { graph, engine };
    await sleep(50);
  }
  return new Promise(() => {});
}

/**
 * @typedef {{ _graph: string, _label: string, _alarm: [output: string, words: string],
 *   playing: boolean }} Traits
 * @typedef {{ graph: import("./types").Target, engine: import("./types").Engine }} Played
 * @typedef {{ isShown: () => boolean }} Seen a view of a player
 */

/**
 * Whether something is wrong with the numbers of the graph.
 *
 * @param {import("./types").Model<Traits>} model
 * @param {import("./types").Engine} engine
 */
function alarming(model, engine) {
  const [alarm] = model.get("_alarm");
  const { output } = engine.status;
  return output.includes("null") || (alarm !== "" && JSON.parse(output)[alarm] !== 0);
}

// What advances a graph: one a graph, however many views of its player there are.
class Driver {
  /** @param {import("./types").Model<Traits>} model @param {Played} played */
  constructor(model, { graph, engine }) {
    this.model = model;
    this.graph = graph;
    this.engine = engine;
    /** @type {Set<Seen>} */
    this.views = new Set();
    this.steps = graph.get("steps_per_tick");
    /** @type {Promise<void>} */
    this.turn = Promise.resolve();
    this.closed = false;
  }

  isPlaying() {
    return !this.closed && this.model.get("playing");
  }

  /** @param {() => Promise<void>} work one thing at a time */
  next(work) {
    this.turn = this.turn.then(work);
    return this.turn;
  }

  /**
   * One tick of this many steps; settled when the graph has done it or cannot.
   *
   * @param {number} count
   * @returns {Promise<void>}
   */
  advance(count) {
    const { engine, graph } = this;
    return new Promise((done) => {
      const tick = graph.get("ticks") + 1;
      const { backend } = engine.status;
      /** @param {import("./types").Status} status */
      const watch = (status) => {
        const stays = status.backend === backend && status.state !== "error";
        if (status.tick !== tick && stays) return;
        engine.watchers.delete(watch);
        done();
      };
      engine.watchers.add(watch);
      graph.set("steps_per_tick", count);
      graph.set("ticks", tick);
      graph.save_changes();
    });
  }

  async run() {
    const { model, engine } = this;
    while (this.isPlaying()) {
      await nextFrame(); // none come while the page is hidden
      const isShown = [...this.views].some((each) => each.isShown());
      if (!isShown || !this.isPlaying()) continue;
      const [start, count] = [performance.now(), this.steps];
      await this.advance(count);
      const cost = engine.status.cost ?? (performance.now() - start) / count; // of a step
      this.steps = stepsNext(count, cost, engine.status.backend);
      if (alarming(model, engine) || engine.status.state !== "ready") model.set("playing", false);
    }
  }
}

/**
 * Words that stand there already are not written again: that would be a change of the page.
 *
 * @param {HTMLElement} element
 * @param {string} text
 */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @type {WeakMap<object, { driver: Promise<Driver>, close(): void }>} by the widget's model */
const seats = new WeakMap();

/** @param {import("./types").Model<Traits>} model */
function seatOf(model) {
  const whole = wholeOf(model);
  const found = seats.get(whole);
  if (found) return found;
  let isClosed = false;
  const driver = findGraph(model, () => isClosed).then((played) => new Driver(model, played));
  const close = () => {
    isClosed = true;
    seats.delete(whole);
    driver.then((one) => {
      one.closed = true;
    });
  };
  const seat = { driver, close };
  seats.set(whole, seat);
  return seat;
}

/** @param {import("./types").Context<Traits>} context */
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
  seatOf(model).driver.then((driver) => closing.signal.aborted || connect({ ...parts, driver }));
  return () => closing.abort();
}

/**
 * @typedef {Record<"play" | "step" | "reset", HTMLButtonElement>} Buttons
 * @typedef {{ numbers: HTMLElement, words: HTMLElement, closing: AbortSignal }} Rest
 * @param {import("./types").Context<Traits> & Buttons & Rest & { driver: Driver }} parts
 */
function connect({ model, el, play, step, reset, numbers, words, closing, driver }) {
  const { graph, engine } = driver;
  let [inSight, speed] = [true, 0];
  const age = () => engine.status.age ?? 0;
  let [since, before, shownAge] = [performance.now(), age(), age()];
  const alarmWords = model.get("_alarm")[1];
  const grouping = () => `${grouped.format(age())} ${age() === 1 ? "step" : "steps"}`;
  const playing = () => model.get("playing");
  /** @param {string} text */
  const say = (text) => {
    const isAlarm = alarming(model, engine);
    words.classList.toggle("dgm-alarm", isAlarm);
    if (isAlarm) text = `After ${grouping()} ${alarmWords}`;
    write(words, text);
  };
  const measure = () => {
    const now = performance.now();
    if (age() < before || now - since > 2000) [since, before] = [now, age()]; // a reset, or a rest
    if (now - since <= 500) return;
    speed = (1000 * (age() - before)) / (now - since);
    [since, before] = [now, age()];
  };
  const show = () => {
    const { state, backend } = engine.status;
    write(play, playing() ? "Pause" : "Play");
    const mayGoOn = state === "error" && backend === "kernel"; // it was interrupted, perhaps
    play.disabled = step.disabled = state !== "ready" && !mayGoOn;
    reset.disabled = state === "loading";
    if (playing()) measure();
    const pace = playing() && speed ? `, ${grouped.format(speed)} a second` : "";
    write(numbers, `${grouping()}${pace}`);
    const told = { dgmAge: age(), dgmSpeed: speed.toFixed(1), dgmPlaying: playing() };
    for (const [name, value] of Object.entries(told))
      if (el.dataset[name] !== String(value)) el.dataset[name] = String(value);
    const mended = words.classList.contains("dgm-alarm") && !alarming(model, engine);
    if (mended || age() < shownAge) say(playing() ? "Running." : "Started again.");
    shownAge = age();
  };
  const paused = () => say(`Paused after ${grouping()}.`);
  const turned = () => {
    [since, before, speed] = [performance.now(), age(), 0];
    if (playing()) say("Running.");
    else driver.turn.then(paused).then(show); // the tick in progress counts
    show();
  };
  engine.watchers.add(show);
  model.on("change:playing", turned);
  if (playing()) say("Running.");
  show();

  play.addEventListener("click", () => model.set("playing", !playing()));
  step.addEventListener("click", () => {
    model.set("playing", false);
    driver
      .next(() => driver.advance(1))
      .then(() => {
        paused();
        show();
      });
  });
  reset.addEventListener("click", () => {
    graph.set("resets", graph.get("resets") + 1);
    graph.save_changes();
    if (!playing() && !alarming(model, engine)) say("Started again.");
  });
  const sight = new IntersectionObserver((entries) => {
    inSight = Boolean(entries.at(-1)?.isIntersecting);
  });
  sight.observe(el.closest(".dgm-figure") ?? el);
  const seen = { isShown: () => inSight };
  driver.views.add(seen);
  closing.addEventListener("abort", () => {
    sight.disconnect();
    engine.watchers.delete(show);
    model.off("change:playing", turned);
    driver.views.delete(seen);
    if (!driver.views.size) model.set("playing", false);
  });
}

export default {
  ...view("player", player),
  /** @param {import("./types").Context<Traits>} context */
  initialize({ model }) {
    hear(model);
    model.set("playing", false); // also where a notebook was saved while it played
    const seat = seatOf(model);
    const follow = () =>
      seat.driver.then((one) => {
        if (one.isPlaying()) one.next(() => one.run());
      });
    model.on("change:playing", follow);
    return seat.close;
  },
};
