// Evaluates a live figure's function: in the kernel where there is one, else here, from the
// exported graph. It draws nothing but a line of words; outputs go to other widgets.

const CDN = "https://cdn.jsdelivr.net/npm/onnxruntime-web@1.30.0/dist/";
const KERNEL_ANSWERS_WITHIN = 8000; // milliseconds; then there is no kernel
const HERE = "Runs in your browser.";
const graphs = (globalThis.dgmGraphs ??= new Map());

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- ONNX Runtime, once a page --------------------------------------------------------------

function runtime() {
  globalThis.dgmOrt ??= importRuntime().catch((error) => {
    globalThis.dgmOrt = undefined;
    throw error;
  });
  return globalThis.dgmOrt;
}

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

function runScript(src) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`cannot load ${src}`));
    document.head.append(script);
  });
}

async function importRuntime() {
  const book = globalThis.dgmBook ?? {};
  const folder = book.ort ?? (book.vendor ? book.vendor + "ort/" : CDN);
  let ort;
  if (location.protocol === "file:" && folder.startsWith("file:")) {
    // A page on disk may neither fetch nor import its neighbours, but it may run a classic script.
    await runScript(folder + "ort-offline.js");
    const { mjs, wasm } = globalThis.dgmOrtOffline;
    const url = URL.createObjectURL(new Blob([mjs], { type: "text/javascript" }));
    ort = await import(url);
    URL.revokeObjectURL(url);
    ort.env.wasm.wasmBinary = fromBase64(wasm).buffer;
    globalThis.dgmOrtOffline = undefined;
  } else {
    ort = await import(folder + "ort.wasm.bundle.min.mjs");
    ort.env.wasm.wasmPaths = folder;
  }
  ort.env.wasm.numThreads = 1; // threads need headers that a static host does not send
  ort.env.logLevel = "error";
  return ort;
}

// The runtime has one thread, and several graphs that call it at once trip it up: one at a time.
function exclusively(work) {
  const turn = (globalThis.dgmOrtTurn ?? Promise.resolve()).then(work);
  globalThis.dgmOrtTurn = turn.catch(() => {});
  return turn;
}

// Figures start one after another, each as a whole and the first of the page first: the reader
// soon has one, and does not wait for all. What they check of themselves comes when all are there.
const queue = (globalThis.dgmQueue ??= { waiting: [], busy: false });

function isBefore(a, b) {
  if (a.late !== b.late) return b.late;
  const [here, there] = [a.graph.element, b.graph.element];
  if (!here || !there) return Boolean(here);
  return Boolean(here.compareDocumentPosition(there) & Node.DOCUMENT_POSITION_FOLLOWING);
}

function callNext() {
  if (queue.busy || !queue.waiting.length) return;
  queue.busy = true;
  const next = queue.waiting.reduce((first, each) => (isBefore(each, first) ? each : first));
  queue.waiting.splice(queue.waiting.indexOf(next), 1);
  next.call();
}

async function inLine(graph, late, work) {
  await new Promise((call) => {
    queue.waiting.push({ graph, late, call });
    callNext();
  });
  try {
    return await work();
  } finally {
    await Promise.race([drawn(), sleep(100)]); // a hidden page draws nothing
    queue.busy = false;
    callNext();
  }
}

const drawn = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

// ---- Values ---------------------------------------------------------------------------------

const size = (shape) => shape.reduce((product, n) => product * n, 1);

function floats(value) {
  if (typeof value === "number") return Float32Array.of(value);
  if (value instanceof DataView)
    return new Float32Array(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
  return Float32Array.from(value);
}

function draw(law, shape) {
  const values = new Float32Array(size(shape));
  if (law === "uniform") return values.map(() => Math.random());
  return values.map(() => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));
}

// Of the scale of the second array; infinite where one is finite and the other is not.
function relativeError(got, want) {
  let [difference, scale] = [0, 1e-6];
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i])) continue;
    if (!Number.isFinite(got[i]) || !Number.isFinite(want[i])) return Infinity;
    difference = Math.max(difference, Math.abs(got[i] - want[i]));
  }
  for (const value of want) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  return difference / scale;
}

const isSame = (a, b) =>
  typeof a === "object" ? a.every((value, i) => Object.is(value, b[i])) : Object.is(a, b);

const number = (value) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null);

function summary(outputs) {
  const short = {};
  for (const [name, { data, dims }] of Object.entries(outputs)) {
    if (dims.length === 0) short[name] = number(data[0]);
    else if (data.length <= 64) short[name] = Array.from(data, number);
    else {
      let [total, low, high] = [0, Infinity, -Infinity];
      for (const value of data) {
        total += value;
        if (!(value >= low)) low = value;
        if (!(value <= high)) high = value;
      }
      short[name] = { length: data.length, mean: number(total / data.length), min: number(low), max: number(high) };
    }
  }
  return JSON.stringify(short);
}

// The subset of Python's format that Graph.drive admits: {name}, {name:.3f}, {name:+.2f}, e and %.
export function format(template, values) {
  return template.replace(/\{(\w+)(?::(\+?)\.(\d+)([fe%]))?\}/g, (_, name, plus, digits, kind) => {
    const value = values[name];
    if (!kind) return String(value);
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    let text =
      kind === "f" ? value.toFixed(digits)
      : kind === "%" ? (100 * value).toFixed(digits) + "%"
      : value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
    return plus && value >= 0 ? "+" + text : text;
  });
}

// ---- The graph ------------------------------------------------------------------------------

class Graph {
  constructor(model) {
    this.model = model;
    this.spec = model.get("_spec");
    this.status = { state: "loading", backend: "", output: model.get("_summary"), words: "Loading the model…" };
    this.watchers = new Set();
    this.steps = 0; // evaluations of the function since the page was opened
    this.stateful = Object.keys(this.spec.state).length > 0;
    this.ticked = model.get("ticks"); // the last tick that was done
    this.age = 0; // steps of the state since it was new
  }

  tell(change) {
    Object.assign(this.status, change);
    for (const watch of this.watchers) watch(this.status);
  }

  fail(error) {
    console.warn("live figure:", error);
    const words = `This figure stopped: ${error.message ?? error} `;
    this.tell({ state: "error", words: words + "Reload the page, or run the chapter's notebook." });
  }

  async start() {
    try {
      const backend = await this.backend();
      this.tell({ backend });
      if (backend === "kernel") this.followKernel();
      else await this.startHere();
    } catch (error) {
      this.fail(error);
    }
  }

  async backend() {
    if (globalThis.dgmBook) return "browser";
    const answer = new Promise((resolve) => {
      this.model.on("msg:custom", (message) => message.type === "hello" && resolve("kernel"));
      try {
        this.model.send({ type: "hello" });
      } catch {
        resolve("browser");
      }
    });
    return Promise.race([answer, sleep(KERNEL_ANSWERS_WITHIN).then(() => "browser")]);
  }

  followKernel() {
    const show = () => {
      const error = this.model.get("_error");
      const output = this.model.get("_summary");
      if (error) this.tell({ state: "error", output, words: `The function failed: ${error}` });
      else this.tell({ state: "ready", output, words: "Evaluated by the Python kernel." });
    };
    this.model.on("change:_summary", show);
    this.model.on("change:_error", show);
    const advanced = () => {
      const [tick, age] = this.model.get("_progress");
      this.tell({ tick, age });
    };
    this.model.on("change:_progress", advanced);
    show();
    advanced();
  }

  async startHere() {
    const [ort, targets, graph] = await Promise.all([runtime(), this.findTargets(), this.exported()]);
    this.ort = ort;
    this.targets = targets;
    await inLine(this, false, () => this.open(graph));
    await inLine(this, true, () => this.checkAgainstPyTorch());
  }

  async open(graph) {
    const options = { logSeverityLevel: 3 };
    this.session = await exclusively(() => this.ort.InferenceSession.create(graph, options));
    this.noise = {};
    this.renew("run");
    this.renew("click");
    this.restore();
    for (const name of Object.keys(this.spec.inputs))
      this.model.on(`change:${name}`, () => this.stateful || this.request());
    this.model.on("change:ticks", () => this.request());
    this.model.on("change:draws", () => (this.renew("click"), this.stateful || this.request()));
    this.model.on("change:resets", () => (this.restore(), this.request()));
    this.tell({ words: "Starting…" });
    await this.request();
  }

  // The graph brought some feeds along, and PyTorch's outputs for them.
  async checkAgainstPyTorch() {
    const values = floats(this.model.get("_probe"));
    let at = 0;
    const take = (count) => values.subarray(at, (at += count));
    const feeds = {};
    for (const [name, shape] of this.shapes()) feeds[name] = take(size(shape)).slice();
    const outputs = await this.compute(feeds);
    let worst = 0;
    for (const name of this.spec.outputs)
      worst = Math.max(worst, relativeError(outputs[name].data, take(outputs[name].data.length)));
    if (at !== values.length) worst = Infinity;
    this.tell({ parity: worst });
    if (!(worst <= 1e-4)) this.fail(new Error(`its numbers differ from PyTorch's (relative error ${worst.toPrecision(2)}).`));
  }

  // In a book the exported graph is a file beside the pages (book/_ext/live_files.py).
  async exported() {
    const name = this.model.get("_onnx_file");
    if (!name) {
      const bytes = this.model.get("_onnx");
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    if (!globalThis.dgmModels?.[name])
      await runScript(new URL(`../live/${name}.js`, globalThis.dgmBook.vendor).href);
    return fromBase64(globalThis.dgmModels[name]);
  }

  async findTargets() {
    const found = [];
    for (const { model, ...rest } of this.model.get("_targets")) {
      const id = model.slice("IPY_MODEL_".length);
      found.push({ ...rest, widget: await this.find(id) });
    }
    return found;
  }

  async find(id) {
    for (let wait = 10; ; wait *= 2) {
      try {
        const widget = await this.model.widget_manager.get_model(id);
        if (widget) return widget;
      } catch (error) {
        if (wait > 2000) throw error;
      }
      if (wait > 2000) throw new Error(`a part of the figure is missing (${id})`);
      await sleep(wait); // its model may not be created yet
    }
  }

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

  // One evaluation at a time, always of the newest inputs: what comes meanwhile is coalesced.
  request() {
    this.pending = true;
    this.running ??= this.drain().finally(() => (this.running = undefined));
    return this.running;
  }

  async drain() {
    while (this.pending) {
      this.pending = false;
      try {
        await this.advance();
        this.publish();
      } catch (error) {
        this.fail(error);
      }
      if (this.stateful) this.tell({ tick: this.ticked, age: this.age });
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
      if (this.state !== state) return; // a reset came between
      this.state = Object.fromEntries(Object.keys(state).map((name) => [name, this.outputs[name].data]));
      this.age += 1;
    }
    this.tell({ cost: (performance.now() - start) / steps }); // milliseconds a step
  }

  shapes() {
    const entries = ["inputs", "noise", "state"].flatMap((kind) => Object.entries(this.spec[kind]));
    // By name, as the probe is: a saved notebook has its keys in another order than the kernel.
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return entries.map(([name, entry]) => [name, entry.shape ?? entry]);
  }

  async compute(values) {
    const feeds = {};
    for (const [name, shape] of this.shapes())
      if (this.session.inputNames.includes(name))
        feeds[name] = new this.ort.Tensor("float32", values[name], shape);
    const results = await exclusively(() => this.session.run(feeds));
    return Object.fromEntries(this.spec.outputs.map((name) => [name, results[`out.${name}`]]));
  }

  async evaluate() {
    this.renew("run");
    this.feeds = { ...this.noise, ...this.state };
    for (const name of Object.keys(this.spec.inputs)) this.feeds[name] = floats(this.model.get(name));
    this.outputs = await this.compute(this.feeds);
    this.steps += 1;
  }

  publish() {
    const scalars = {};
    for (const [name, shape] of Object.entries(this.spec.inputs))
      if (shape.length === 0) scalars[name] = this.model.get(name);
    for (const [name, { data, dims }] of Object.entries(this.outputs))
      if (dims.length === 0) scalars[name] = data[0];
    // One change for each widget, of what is new: a chart draws itself anew at every change.
    const changes = new Map();
    for (const target of this.targets) {
      const { widget, trait, source, kind } = target;
      const value = kind === "text" ? format(source, scalars) : (scalars[source] ?? this.value(source));
      const stands = "set" in target && widget.get(trait) === target.set;
      if (stands && isSame(value, target.value)) continue;
      target.value = value;
      target.set = typeof value === "object" ? new DataView(Float32Array.from(value).buffer) : value;
      changes.set(widget, { ...changes.get(widget), [trait]: target.set });
    }
    for (const [widget, traits] of changes) widget.set(traits);
    this.tell({ state: "ready", output: summary(this.outputs), words: HERE });
  }

  value(name) {
    return this.outputs[name]?.data ?? this.feeds[name];
  }
}

export default {
  initialize({ model }) {
    const graph = new Graph(model);
    graphs.set(model.get("_key"), graph);
    graph.start(); // not awaited: the figure shows that it is loading
  },

  render({ model, el }) {
    const graph = graphs.get(model.get("_key"));
    el.classList.add("dgm-graph");
    const line = document.createElement("p");
    line.setAttribute("role", "status");
    el.append(line);
    const show = ({ state, backend, output, words, parity }) => {
      el.dataset.dgmState = state;
      el.dataset.dgmBackend = backend;
      el.dataset.dgmOutput = output;
      if (parity !== undefined) el.dataset.dgmParity = parity; // relative error against PyTorch
      if (line.textContent !== words) line.textContent = words;
    };
    el.dataset.dgmKey = model.get("_key");
    graph.element = el; // its place on the page
    show(graph.status);
    graph.watchers.add(show);
    return () => graph.watchers.delete(show);
  },
};
