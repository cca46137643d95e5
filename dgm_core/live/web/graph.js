// Evaluates a live figure's function: in the kernel where there is one, else here, from the
// exported graph, and never both. It draws nothing but a line of words; outputs go to other widgets.

import { floats } from "./arrays.js";
import { offerFullScreen } from "./full.js";
import { LOST, referee, WORDS } from "./kernel.js";
import { findModel, hear, isClosed, wholeOf } from "./models.js";
import { exclusively, frame, inLine, runtime } from "./runtime.js";
import { draw, format, isSame, relativeError, size, summary } from "./values.js";

/** @typedef {import("./types").Status} Status */
/** @typedef {Record<string, Float32Array>} Feeds */

/** @type {Map<import("./types").Whole, Graph>} two notebooks of one kernel have two of a widget */
const graphs = (globalThis.dgmGraphs ??= new Map());

class Graph {
  /** @param {import("./types").Model} model */
  constructor(model) {
    this.model = model;
    /** @type {string} */
    this.key = model.get("_key");
    /** @type {import("./types").Spec} */
    this.spec = model.get("_spec");
    /** @type {Status} */
    this.status = {
      state: "loading",
      backend: "",
      output: model.get("_summary"),
      words: "Loading the model…",
    };
    /** @type {Set<(status: Status) => void>} */
    this.watchers = new Set();
    /** @type {HTMLElement | undefined} */
    this.element = undefined; // its place on the page, once it has one
    /** @type {import("./types").Drive[]} */
    this.targets = [];
    /** @type {any} */
    this.ort = undefined; // onnxruntime, and its session of this graph
    /** @type {Promise<any> | undefined} */
    this.session = undefined; // while it is evaluated here, and seen
    this.opened = false; // whether it was ever evaluated here
    this.views = 0;
    /** @type {Promise<void> | undefined} */
    this.running = undefined;
    this.pending = false;
    /** @type {Feeds} */
    this.noise = {};
    /** @type {Feeds} */
    this.state = {};
    /** @type {Feeds} */
    this.feeds = {};
    /** @type {Record<string, import("./types").Tensor>} */
    this.outputs = {};
    this.steps = 0; // evaluations of the function since the page was opened
    this.stateful = Object.keys(this.spec.state).length > 0;
    this.ticked = model.get("ticks"); // the last tick that was done
    this.age = 0; // steps of the state since it was new
    this.follows = false; // whether what the kernel says is heard
    this.closed = false;
    this.here = WORDS.here; // the words of a figure that runs in the page
    this.leave = () => {}; // what ends the watch for a kernel, where the page is no book's
  }

  /** @param {Partial<Status>} change */
  tell(change) {
    Object.assign(this.status, change);
    for (const watch of this.watchers) watch(this.status);
  }

  /** @param {any} error */
  fail(error) {
    if (this.closed) return;
    console.warn("live figure:", error);
    const lost = this.here === WORDS.here ? "" : `${LOST}. `;
    const words = `${lost}This figure stopped: ${error.message ?? error} `;
    this.tell({
      state: "error",
      words: `${words}Reload the page, or run the chapter's notebook.`,
    });
  }

  start() {
    if (globalThis.dgmBook) return void this.evaluateHere();
    this.leave = referee(this.model, {
      here: (words) => {
        this.here = words;
        this.evaluateHere();
      },
      there: () => this.followKernel(),
      say: (words) => this.say(words),
      end: () => this.close(),
    });
  }

  /** @param {string} words of a figure that has no more important ones */
  say(words) {
    if (this.status.state !== "error" && this.status.words !== words) this.tell({ words });
  }

  followKernel() {
    this.release();
    this.tell({ backend: "kernel", parity: undefined });
    const show = () => {
      if (this.status.backend !== "kernel") return;
      const error = this.model.get("_error");
      const output = this.model.get("_summary");
      if (error) this.tell({ state: "error", output, words: `The function failed: ${error}` });
      else this.tell({ state: "ready", output, words: WORDS.kernel });
    };
    const advanced = () => {
      if (this.status.backend !== "kernel") return;
      const [tick, age] = this.model.get("_progress");
      this.tell({ tick, age, cost: undefined });
    };
    if (!this.follows) {
      this.model.on("change:_summary", show);
      this.model.on("change:_error", show);
      this.model.on("change:_progress", advanced);
    }
    this.follows = true;
    show();
    advanced();
  }

  async evaluateHere() {
    this.tell({ backend: "browser", state: "loading", words: "Loading the model…" });
    try {
      if (this.opened) await this.begin();
      else await this.startHere();
    } catch (error) {
      if (this.status.backend === "browser") this.fail(error);
    }
  }

  async startHere() {
    const [ort, targets] = await Promise.all([runtime(), this.findTargets(), this.exported()]);
    this.ort = ort;
    this.targets = targets;
    await inLine(this, false, () => this.open());
    await inLine(this, true, () => this.checkAgainstPyTorch());
  }

  async open() {
    if (this.opened || this.closed) return;
    await (this.session ??= this.makeSession());
    this.opened = true;
    for (const name of Object.keys(this.spec.inputs))
      this.model.on(`change:${name}`, () => this.follow());
    this.model.on("change:ticks", () => this.request());
    this.model.on("change:draws", () => {
      this.renew("click");
      this.follow();
    });
    this.model.on("change:resets", () => {
      this.restore();
      this.request();
    });
    await this.begin();
  }

  async begin() {
    this.renew("run");
    this.renew("click");
    this.restore();
    this.ticked = this.model.get("ticks");
    this.say("Starting…");
    await this.request();
  }

  // The widget is no more: a cell was run again, or its notebook was closed.
  close() {
    this.closed = true;
    graphs.delete(wholeOf(this.model));
    this.leave();
    this.watchers.clear();
    this.release();
  }

  release() {
    const { session } = this;
    this.session = undefined;
    session?.then((one) => exclusively(() => one.release())).catch(() => {});
  }

  appear() {
    this.views += 1;
    return () => {
      this.views -= 1;
      this.rest();
    };
  }

  // A notebook that is closed closes no widget. Nor does one whose kernel is gone, though nobody
  // sees its earlier figures any more: such a graph holds no session until it is asked again.
  async rest() {
    await this.running;
    if (isClosed(this.model.widget_manager)) this.close();
    else if (!this.views && !this.running && !globalThis.dgmBook) this.release();
  }

  // The graph brought some feeds along, and PyTorch's outputs for them.
  async checkAgainstPyTorch() {
    if (this.status.backend !== "browser" || this.closed) return;
    const values = floats(this.model.get("_probe"));
    let at = 0;
    /** @param {number} count */
    const take = (count) => {
      at += count;
      return values.subarray(at - count, at);
    };
    /** @type {Feeds} */
    const feeds = {};
    for (const [name, shape] of this.shapes()) feeds[name] = take(size(shape)).slice();
    const outputs = await this.compute(feeds);
    let worst = 0;
    for (const name of this.spec.outputs)
      worst = Math.max(worst, relativeError(outputs[name].data, take(outputs[name].data.length)));
    if (at !== values.length) worst = Infinity;
    if (this.status.backend !== "browser") return;
    this.tell({ parity: worst });
    if (!(worst <= 1e-4))
      this.fail(
        new Error(`its numbers differ from PyTorch's (relative error ${worst.toPrecision(2)}).`),
      );
  }

  // In a book the exported graph is a file beside the pages (book/_ext/live_files.py).
  async exported() {
    const name = this.model.get("_onnx_file");
    if (!name) {
      const bytes = this.model.get("_onnx");
      if (!bytes.byteLength)
        throw new Error(
          "it was made where what pages need is not installed (pip install 'dgm_core[pages]').",
        );
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const { read } = /** @type {import("./types").Book} */ (globalThis.dgmBook);
    return read(`live/${name}.onnx`);
  }

  async findTargets() {
    const found = [];
    for (const { model, ...rest } of this.model.get("_targets")) {
      const widget = await findModel(this.model.widget_manager, model, () => this.closed);
      found.push({ ...rest, widget });
    }
    return found;
  }

  /** @param {string} occasion "run", "click" or "reset" */
  renew(occasion) {
    for (const [name, { law, shape, redraw }] of Object.entries(this.spec.noise))
      if (redraw === occasion) this.noise[name] = draw(law, shape);
  }

  restore() {
    this.renew("reset");
    this.age = 0;
    this.state = {};
    for (const [name, { initial }] of Object.entries(this.spec.state))
      this.state[name] = Float32Array.from(initial);
  }

  // What goes on from tick to tick follows its inputs only before the first one.
  follow() {
    if (!this.stateful || !this.age) this.request();
  }

  // One evaluation at a time, always of the newest inputs: what comes meanwhile is coalesced.
  request() {
    if (this.status.backend !== "browser" || this.closed || !this.opened) return this.running;
    this.pending = true;
    this.running ??= this.drain().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  async drain() {
    while (this.pending && !this.closed) {
      this.pending = false;
      try {
        await this.advance();
        this.publish();
      } catch (error) {
        if (this.status.backend === "browser") this.fail(error);
      }
      if (this.stateful && this.status.backend === "browser")
        this.tell({ tick: this.ticked, age: this.age });
    }
  }

  // A tick is some steps, which feed the state. Without a tick, show what the next step would put
  // out, and leave the state as it is.
  async advance() {
    const tick = this.model.get("ticks");
    const steps = this.stateful && tick !== this.ticked ? this.model.get("steps_per_tick") : 0;
    this.ticked = tick;
    if (!steps) return this.evaluate();
    const start = performance.now();
    for (let k = 0; k < steps; k++) {
      const state = this.state;
      await this.evaluate();
      if (this.state !== state || this.closed) return; // a reset came between
      this.state = Object.fromEntries(
        Object.keys(state).map((name) => [name, this.outputs[name].data]),
      );
      this.age += 1;
    }
    this.tell({ cost: (performance.now() - start) / steps }); // milliseconds a step
  }

  /** @returns {[name: string, shape: import("./types").Shape][]} */
  shapes() {
    const { inputs, noise, state } = this.spec;
    const shapes = new Map(Object.entries(inputs));
    for (const [name, { shape }] of [...Object.entries(noise), ...Object.entries(state)])
      shapes.set(name, shape);
    // By name, as the probe is: a saved notebook has its keys in another order than the kernel.
    return [...shapes].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /**
   * @param {Feeds} values
   * @returns {Promise<Record<string, import("./types").Tensor>>}
   */
  async compute(values) {
    const session = await (this.session ??= this.makeSession());
    /** @type {Record<string, unknown>} */
    const feeds = {};
    for (const [name, shape] of this.shapes())
      if (session.inputNames.includes(`in.${name}`))
        // see export.py
        feeds[`in.${name}`] = new this.ort.Tensor("float32", values[name], shape);
    const results = await exclusively(() => session.run(feeds));
    return Object.fromEntries(this.spec.outputs.map((name) => [name, results[`out.${name}`]]));
  }

  async makeSession() {
    const graph = await this.exported();
    const options = { logSeverityLevel: 3 };
    return exclusively(() => this.ort.InferenceSession.create(graph, options));
  }

  async evaluate() {
    this.renew("run");
    this.feeds = { ...this.noise, ...this.state };
    for (const name of Object.keys(this.spec.inputs))
      this.feeds[name] = floats(this.model.get(name));
    this.outputs = await this.compute(this.feeds);
    this.steps += 1;
  }

  publish() {
    if (this.status.backend !== "browser" || this.closed) return;
    /** @type {Record<string, number>} */
    const scalars = {};
    for (const [name, shape] of Object.entries(this.spec.inputs))
      if (shape.length === 0) scalars[name] = this.model.get(name);
    for (const [name, { data, dims }] of Object.entries(this.outputs))
      if (dims.length === 0) scalars[name] = data[0];
    // One change for each widget, of what is new: a chart draws itself anew at every change.
    const changes = new Map();
    for (const target of this.targets) {
      const { widget, trait, source, kind } = target;
      const value = kind === "text" ? format(source, scalars) : this.value(source);
      const stands = "set" in target && widget.get(trait) === target.set;
      if (stands && isSame(value, target.value)) continue;
      target.value = value;
      target.set =
        typeof value === "object" ? new DataView(Float32Array.from(value).buffer) : value;
      changes.set(widget, { ...changes.get(widget), [trait]: target.set });
    }
    for (const [widget, traits] of changes) widget.set(traits);
    this.tell({ state: "ready", output: summary(this.outputs), words: this.here });
  }

  // An output's, else an input's. Own names only: every object has a "constructor".
  /** @param {string} name */
  value(name) {
    const isOutput = Object.hasOwn(this.outputs, name);
    const values = isOutput ? this.outputs[name].data : this.feeds[name];
    const shape = isOutput ? this.outputs[name].dims : this.spec.inputs[name];
    return shape.length ? values : values[0];
  }
}

// A box keeps an empty widget in the place of each part that is still to come.
const TO_COME = '[class="lm-Widget"], .jupyter-widgets-disconnected:empty';
const FRAMES = 600; // that a figure is waited for, whose parts do not come

/**
 * A figure that says it is ready before its parts are there would move the text below.
 *
 * @param {HTMLElement} el of the graph
 */
async function whole(el) {
  for (let k = 0; k < FRAMES; k++) {
    await frame();
    if (el.isConnected && !el.closest(".dgm-figure")?.querySelector(TO_COME)) break;
  }
  await frame(); // in which they are drawn
}

export default {
  /** @param {import("./types").Context} context */
  initialize({ model }) {
    hear(model);
    const graph = new Graph(model);
    graphs.set(wholeOf(model), graph);
    graph.start(); // not awaited: the figure shows that it is loading
    return () => graph.close();
  },

  /** @param {import("./types").Context} context */
  render({ model, el }) {
    const graph = /** @type {Graph} */ (graphs.get(wholeOf(model)));
    el.classList.add("dgm-graph");
    const line = document.createElement("p");
    line.setAttribute("role", "status");
    el.append(line);
    let isWhole = false;
    /** @param {Status} status */
    const show = ({ state, backend, output, words, parity }) => {
      el.dataset.dgmState = state === "ready" && !isWhole ? "loading" : state;
      el.dataset.dgmBackend = backend;
      el.dataset.dgmOutput = output;
      if (parity !== undefined) el.dataset.dgmParity = String(parity);
      else delete el.dataset.dgmParity; // a kernel is PyTorch itself
      if (line.textContent !== words) line.textContent = words;
    };
    el.dataset.dgmKey = graph.key;
    graph.element = el;
    const disappear = graph.appear();
    show(graph.status);
    graph.watchers.add(show);
    whole(el).then(() => {
      isWhole = true;
      show(graph.status);
    });
    // It has no figure around it before it is laid out.
    const placed = new ResizeObserver(() => {
      placed.disconnect();
      offerFullScreen(el);
    });
    placed.observe(el);
    return () => {
      placed.disconnect();
      graph.watchers.delete(show);
      disappear();
      if (graph.element === el) graph.element = undefined;
    };
  },
};
