// The views of live figures: pixels, plane, pad, button, cloud, player, quiz. They compute nothing.

const floats = (value) =>
  value instanceof DataView
    ? new Float32Array(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength))
    : Float32Array.from(value ?? []);
const view = (array) => new DataView(Float32Array.from(array).buffer);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name in element && name !== "role") element[name] = value;
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function svg(tag, attributes = {}, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// Ink on paper: 0 is white, 1 is black. A number that is not finite is red.
function paint(canvas, values, [rows, columns, height, width]) {
  const image = new ImageData(columns * width, rows * height);
  for (let i = 0; i < values.length; i++) {
    const [cell, pixel] = [Math.floor(i / (height * width)), i % (height * width)];
    const y = Math.floor(cell / columns) * height + Math.floor(pixel / width);
    const at = 4 * (y * columns * width + (cell % columns) * width + (pixel % width));
    const ok = Number.isFinite(values[i]);
    const shade = ok ? 255 * (1 - Math.min(1, Math.max(0, values[i]))) : 0;
    image.data.set(ok ? [shade, shade, shade, 255] : [200, 0, 0, 255], at);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// ---- Pixels ---------------------------------------------------------------------------------

function pixels({ model, el }) {
  const grid = model.get("_grid");
  const [rows, columns, height, width] = grid;
  const canvas = make("canvas", { role: "img", width: columns * width, height: rows * height });
  canvas.style.width = `${columns * width * model.get("_zoom")}px`;
  const title = make("div", { className: "dgm-title" });
  el.append(title, canvas);
  const words = () => {
    canvas.setAttribute("aria-label", model.get("alt"));
    title.textContent = model.get("title");
    title.hidden = !model.get("title");
  };
  const draw = () => paint(canvas, floats(model.get("pixels")), grid);
  model.on("change:alt", words);
  model.on("change:title", words);
  model.on("change:pixels", draw);
  words();
  draw();
}

// ---- Plane ----------------------------------------------------------------------------------

const CLASSES = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"];
const [SIDE, LEFT, BOTTOM, TOP] = [300, 44, 40, 8];

function plane({ model, el }) {
  const [xlabel, ylabel, extent] = model.get("_axes");
  const toX = (x) => LEFT + ((x + extent) / (2 * extent)) * SIDE;
  const toY = (y) => TOP + ((extent - y) / (2 * extent)) * SIDE;
  const root = svg("svg", { viewBox: `0 0 ${LEFT + SIDE + 8} ${TOP + SIDE + BOTTOM}`, class: "dgm-plane", role: "group", "aria-label": model.get("alt") });
  root.append(svg("rect", { x: LEFT, y: TOP, width: SIDE, height: SIDE, class: "dgm-frame" }));
  for (let t = Math.ceil(-extent); t <= extent; t++) {
    root.append(svg("text", { x: toX(t), y: TOP + SIDE + 15, "text-anchor": "middle" }, String(t).replace("-", "−")));
    root.append(svg("text", { x: LEFT - 6, y: toY(t) + 4, "text-anchor": "end" }, String(t).replace("-", "−")));
  }
  root.append(svg("text", { x: LEFT + SIDE / 2, y: TOP + SIDE + 34, "text-anchor": "middle" }, xlabel));
  const [cx, cy] = [12, TOP + SIDE / 2];
  root.append(svg("text", { x: cx, y: cy, "text-anchor": "middle", transform: `rotate(-90 ${cx} ${cy})` }, ylabel));
  root.append(...background(model, extent, toX, toY));

  const handle = svg("circle", { r: 9, class: "dgm-handle", tabindex: 0, role: "slider", "aria-valuemin": -extent, "aria-valuemax": extent });
  root.append(handle);
  el.append(root);
  const place = () => {
    const [x, y] = [model.get("x"), model.get("y")];
    handle.setAttribute("cx", toX(Math.max(-extent, Math.min(extent, x))));
    handle.setAttribute("cy", toY(Math.max(-extent, Math.min(extent, y))));
    handle.setAttribute("aria-label", `Point in the plane of ${xlabel} and ${ylabel}; the four arrow keys move it`);
    handle.setAttribute("aria-valuenow", x.toFixed(2));
    handle.setAttribute("aria-valuetext", `${xlabel} ${x.toFixed(2)}, ${ylabel} ${y.toFixed(2)}`);
  };
  const move = (x, y) => {
    const inside = (v) => Number(Math.max(-extent, Math.min(extent, v)).toFixed(4));
    model.set("x", inside(x));
    model.set("y", inside(y));
    model.save_changes();
  };
  const follow = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(root.getScreenCTM().inverse());
    move(((point.x - LEFT) / SIDE) * 2 * extent - extent, extent - ((point.y - TOP) / SIDE) * 2 * extent);
  };
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus({ preventScroll: true });
    follow(event);
  });
  root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && follow(event));
  const step = extent / 50;
  const keys = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  handle.addEventListener("keydown", (event) => {
    const by = keys[event.key];
    if (!by) return;
    event.preventDefault();
    move(model.get("x") + by[0], model.get("y") + by[1]);
  });
  model.on("change:x", place);
  model.on("change:y", place);
  place();
}

function background(model, extent, toX, toY) {
  const points = floats(model.get("_points"));
  const bytes = model.get("_labels");
  const labels = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const canvas = make("canvas", { width: 3 * SIDE, height: 3 * SIDE });
  const pen = canvas.getContext("2d");
  pen.globalAlpha = 0.6;
  const [xs, ys] = [{}, {}];
  labels.forEach((label, i) => {
    const [x, y] = [points[2 * i], points[2 * i + 1]];
    (xs[label] ??= []).push(x);
    (ys[label] ??= []).push(y);
    pen.fillStyle = CLASSES[label % 10];
    pen.beginPath();
    pen.arc(3 * (toX(x) - LEFT), 3 * (toY(y) - TOP), 4, 0, 7);
    pen.fill();
  });
  const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  const inside = (v) => Math.max(-extent * 0.94, Math.min(extent * 0.94, v));
  const names = Object.keys(xs).map((label) =>
    svg("text", { x: toX(inside(middle(xs[label]))), y: toY(inside(middle(ys[label]))) + 6, "text-anchor": "middle", class: "dgm-class" }, label),
  );
  const image = svg("image", { x: LEFT, y: TOP, width: SIDE, height: SIDE, href: canvas.toDataURL() });
  return [image, ...names];
}

// ---- Pad ------------------------------------------------------------------------------------

const N = 28;

function centred(ink) {
  let [mass, mx, my] = [0, 0, 0];
  ink.forEach((v, i) => ((mass += v), (mx += v * (i % N)), (my += v * Math.floor(i / N))));
  if (!mass) return ink;
  const [dx, dy] = [Math.round(13.5 - mx / mass), Math.round(13.5 - my / mass)];
  const out = new Float32Array(N * N);
  ink.forEach((v, i) => {
    const [x, y] = [(i % N) + dx, Math.floor(i / N) + dy];
    if (v && x >= 0 && x < N && y >= 0 && y < N) out[y * N + x] = v;
  });
  return out;
}

function pad({ model, el }) {
  let ink = floats(model.get("pixels"));
  const canvas = make("canvas", { width: N, height: N, tabIndex: 0, className: "dgm-pad", role: "application", "aria-label": "Drawing pad, 28 by 28 pixels. Arrow keys move the pen, the space bar puts it down or lifts it." });
  const cursor = { x: 14, y: 14, down: false, shown: false };
  const show = () => {
    paint(canvas, ink, [1, 1, N, N]);
    if (!cursor.shown) return;
    const pen = canvas.getContext("2d");
    pen.fillStyle = cursor.down ? "#c2410c" : "#e69f00";
    pen.fillRect(cursor.x, cursor.y, 1, 1);
  };
  const send = () => {
    model.set("pixels", view(centred(ink)));
    model.save_changes();
    show();
  };
  const dab = (x, y) => {
    for (let i = 0; i < N * N; i++) {
      const distance = Math.hypot((i % N) + 0.5 - x, Math.floor(i / N) + 0.5 - y);
      ink[i] = Math.max(ink[i], Math.min(1, Math.max(0, 1.9 - distance)));
    }
  };
  let last;
  const stroke = (event) => {
    const box = canvas.getBoundingClientRect();
    const to = [((event.clientX - box.left) / box.width) * N, ((event.clientY - box.top) / box.height) * N];
    const from = last ?? to;
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let k = 1; k <= steps; k++) dab(from[0] + ((to[0] - from[0]) * k) / steps, from[1] + ((to[1] - from[1]) * k) / steps);
    last = to;
    send();
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = undefined;
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && stroke(event));
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    cursor.shown = true;
    if (by) [cursor.x, cursor.y] = [Math.min(N - 1, Math.max(0, cursor.x + by[0])), Math.min(N - 1, Math.max(0, cursor.y + by[1]))];
    else cursor.down = !cursor.down;
    if (cursor.down) {
      dab(cursor.x + 0.5, cursor.y + 0.5);
      send();
    } else show();
  });
  canvas.addEventListener("blur", () => ((cursor.shown = false), show()));

  const replace = (values) => {
    ink = Float32Array.from(values);
    send();
  };
  const clear = make("button", { type: "button", className: "dgm-button" }, "Clear");
  clear.addEventListener("click", () => replace(new Float32Array(N * N)));
  const examples = floats(model.get("_examples"));
  const samples = model.get("_names").map((name, i) => {
    const picture = make("canvas", { width: N, height: N });
    const values = examples.slice(i * N * N, (i + 1) * N * N);
    paint(picture, values, [1, 1, N, N]);
    const button = make("button", { type: "button", className: "dgm-sample", "aria-label": `Load ${name}` }, picture);
    button.addEventListener("click", () => replace(values));
    return button;
  });
  el.append(make("div", { className: "dgm-title" }, "Draw here"), canvas, make("div", { className: "dgm-row" }, clear, ...samples));
  show();
}

// ---- Button ---------------------------------------------------------------------------------

function button({ model, el }) {
  const element = make("button", { type: "button", className: "dgm-button" }, model.get("description"));
  element.addEventListener("click", () => {
    model.set("clicks", model.get("clicks") + 1);
    model.save_changes();
  });
  el.append(element);
}

// ---- Cloud ----------------------------------------------------------------------------------

const rgb = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

function cloud({ model, el }) {
  const [xlabel, ylabel, extent, size] = model.get("_axes");
  const [grey, blue] = model.get("_colors");
  const [dark, light] = [rgb(grey), rgb(blue)];
  const zoom = 2; // canvas pixels a pixel of the page
  const [width, height] = [LEFT + SIDE + 8, TOP + SIDE + BOTTOM];
  const canvas = make("canvas", { role: "img", className: "dgm-cloud", width: zoom * width, height: zoom * height });
  canvas.style.width = `${width}px`;
  const names = model.get("_names").map((name) => make("span", {}, make("i"), name));
  names[0].style.setProperty("--dot", grey);
  names[1].style.setProperty("--dot", blue);
  el.append(canvas, make("div", { className: "dgm-legend" }, ...names));
  const pen = canvas.getContext("2d");
  const shade = make("canvas", { width: size, height: size });
  const toX = (x) => LEFT + ((x + extent) / (2 * extent)) * SIDE;
  const toY = (y) => TOP + ((extent - y) / (2 * extent)) * SIDE;

  const field = () => {
    const image = new ImageData(size, size);
    floats(model.get("field")).forEach((d, i) => {
      const certain = Math.min(1, Math.abs(2 * d - 1));
      image.data.set([...(d > 0.5 ? dark : light), Number.isFinite(d) ? 120 * certain : 0], 4 * i);
    });
    shade.getContext("2d").putImageData(image, 0, 0);
    pen.drawImage(shade, LEFT, TOP, SIDE, SIDE);
  };
  const points = (pen, trait, color) => {
    const at = floats(model.get(trait));
    pen.setTransform(zoom, 0, 0, zoom, 0, 0); // also of the copy
    pen.beginPath();
    for (let i = 0; i < at.length; i += 2) {
      const [x, y] = [toX(at[i]), toY(at[i + 1])];
      pen.moveTo(x + 2.5, y);
      pen.arc(x, y, 2.5, 0, 7);
    }
    pen.fillStyle = color;
    pen.fill();
  };
  // While the data stay as they are, they are copied from a drawing of them alone.
  const copy = make("canvas", { width: canvas.width, height: canvas.height });
  let [isNew, isCopied] = [true, false];
  const data = () => {
    if (isNew) points(pen, "data", grey);
    else {
      const layer = copy.getContext("2d");
      if (!isCopied) {
        layer.setTransform(1, 0, 0, 1, 0, 0);
        layer.clearRect(0, 0, copy.width, copy.height);
        points(layer, "data", grey);
      }
      pen.drawImage(copy, 0, 0, width, height);
    }
    [isNew, isCopied] = [false, !isNew];
  };
  const axes = () => {
    const style = getComputedStyle(el);
    pen.fillStyle = style.color;
    pen.strokeStyle = "#9aa3ad";
    pen.font = `12px ${style.fontFamily}`;
    pen.strokeRect(LEFT, TOP, SIDE, SIDE);
    for (let t = Math.ceil(-extent); t <= extent; t++) {
      pen.textAlign = "center";
      pen.fillText(String(t).replace("-", "−"), toX(t), TOP + SIDE + 15);
      pen.textAlign = "end";
      pen.fillText(String(t).replace("-", "−"), LEFT - 6, toY(t) + 4);
    }
    pen.textAlign = "center";
    pen.fillText(xlabel, LEFT + SIDE / 2, TOP + SIDE + 34);
    pen.fillText(ylabel, 10, TOP + SIDE / 2 + 4);
  };
  const draw = () => {
    waiting = false;
    pen.setTransform(zoom, 0, 0, zoom, 0, 0);
    pen.lineWidth = 0.7;
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = "#fff";
    pen.fillRect(LEFT, TOP, SIDE, SIDE);
    field();
    data();
    points(pen, "model", blue);
    axes();
  };
  let waiting = false;
  const redraw = () => {
    if (!waiting) requestAnimationFrame(draw); // once a frame, whatever has changed
    waiting = true;
  };
  const words = () => canvas.setAttribute("aria-label", model.get("alt"));
  for (const trait of ["data", "model", "field"]) model.on(`change:${trait}`, redraw);
  model.on("change:data", () => (isNew = true));
  model.on("change:alt", words);
  words();
  redraw();
}

// ---- Player ---------------------------------------------------------------------------------

// Milliseconds of computing between two drawings; a round trip to a kernel may take longer.
const BUDGET = { browser: 12, kernel: 60 };
const MOST_STEPS = 200; // between two drawings
const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const nextFrame = () => new Promise((drawn) => requestAnimationFrame(drawn));

// The graph's model, and what evaluates it (graph.js); either may be created after the player.
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

function player({ model, el }) {
  const button = (text) => make("button", { type: "button", className: "dgm-button", disabled: true }, text);
  const [play, step, reset] = ["Play", "Step", "Reset"].map(button);
  const numbers = make("span", { className: "dgm-numbers" });
  const words = make("p", { role: "status" });
  const group = make("div", { className: "dgm-row", role: "group", "aria-label": model.get("_label") }, play, step, reset, numbers);
  el.append(group, words);
  const closing = new AbortController();
  const parts = { model, el, play, step, reset, numbers, words, closing: closing.signal };
  findGraph(model).then(([graph, engine]) => connect({ ...parts, graph, engine }));
  return () => closing.abort();
}

function connect({ model, el, play, step, reset, numbers, words, closing, graph, engine }) {
  let [playing, inSight, steps, speed, turn] = [false, true, graph.get("steps_per_tick"), 0, Promise.resolve()];
  const [alarm, alarmWords] = model.get("_alarm");
  const age = () => engine.status.age ?? 0;
  const alarming = () => {
    const { output } = engine.status;
    return output.includes("null") || (alarm !== "" && JSON.parse(output)[alarm] !== 0);
  };
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

  // One tick of this many steps; settled when the graph has done it or has failed.
  const advance = (count) =>
    new Promise((done) => {
      const tick = graph.get("ticks") + 1;
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
      steps = Math.round(Math.max(1, Math.min(MOST_STEPS, 2 * count, BUDGET[engine.status.backend] / cost)));
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

  const next = (work) => (turn = turn.then(work).then(show)); // one thing at a time
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
  const sight = new IntersectionObserver((entries) => (inSight = entries.at(-1).isIntersecting));
  sight.observe(el.closest(".dgm-figure") ?? el);
  closing.addEventListener("abort", () => {
    playing = false;
    sight.disconnect();
    engine.watchers.delete(show);
  });
}

// ---- Quiz -----------------------------------------------------------------------------------

// *emphasis*, `code` and $math$; everything else is text.
function prose(text, tag = "span") {
  const element = make(tag, { className: "tex2jax_process" });
  for (const part of text.split(/(\$[^$]+\$|\*[^*]+\*|`[^`]+`)/)) {
    if (/^\$.+\$$/.test(part)) element.append(`\\(${part.slice(1, -1)}\\)`);
    else if (/^\*.+\*$/.test(part)) element.append(make("em", {}, part.slice(1, -1)));
    else if (/^`.+`$/.test(part)) element.append(make("code", {}, part.slice(1, -1)));
    else element.append(part);
  }
  return element;
}

// MathJax measures its surroundings, so the element must be on the page first.
async function typeset(element) {
  for (let tries = 0; tries < 100 && !(element.isConnected && globalThis.MathJax?.typesetPromise); tries++)
    await new Promise((ok) => setTimeout(ok, 100));
  await globalThis.MathJax?.startup?.promise;
  if (element.isConnected) await globalThis.MathJax?.typesetPromise?.([element]);
}

function quiz({ model, el }) {
  const { question, choices, answer, tolerance, unit, why } = model.get("_question");
  const name = `dgm-quiz-${Math.random().toString(36).slice(2)}`;
  const form = make("form", { className: "dgm-quiz" });
  const fields = make("fieldset", {}, make("legend", {}, prose(question)));
  choices.forEach((choice, i) =>
    fields.append(make("label", {}, make("input", { type: "radio", name, value: String(i) }), prose(choice))),
  );
  if (!choices.length)
    fields.append(make("label", {}, "Your answer ", make("input", { type: "text", inputMode: "decimal", name, size: 8, autocomplete: "off" }), unit ? ` ${unit}` : ""));
  const verdict = make("div", { role: "status", className: "dgm-verdict" });
  const say = (kind, words, detail) => {
    verdict.dataset.verdict = kind;
    verdict.replaceChildren(make("strong", {}, words), ...(detail ? [" ", prose(detail)] : []));
    typeset(verdict);
  };
  form.append(fields, make("button", { type: "submit", className: "dgm-button" }, "Check"), verdict);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = new FormData(form).get(name);
    const value = Number(String(given ?? "").trim().replace("−", "-").replace(",", "."));
    if (given === null || given === "") say("none", choices.length ? "Choose an answer first." : "Type a number first.");
    else if (Number.isNaN(value)) say("none", "That is not a number.");
    else if (Math.abs(value - answer) <= tolerance) say("right", "✓ Right.", why);
    else say("wrong", "✗ Not yet.", choices.length ? "Think again, then try another." : "Think again; mind the sign and the unit.");
  });
  el.append(form);
  typeset(form);
}

const views = { pixels, plane, pad, button, cloud, player, quiz };

export default {
  render({ model, el }) {
    el.classList.add("dgm-view", `dgm-view-${model.get("_view")}`);
    return views[model.get("_view")]({ model, el });
  },
};
