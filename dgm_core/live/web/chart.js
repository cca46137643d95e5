// A chart of a live figure, in SVG: lines, points, bars and bands on linear, logarithmic or named
// axes. It reads traits (dgm_core/live/charts.py, series.py) and computes nothing but where things
// stand.

import { findModel, hear } from "./models.js";

/**
 * @typedef {{low: number, high: number, log: boolean}} Domain
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{kind: "line" | "points" | "dot" | "bars" | "band" | "level", role: string,
 *   label: string, dash?: string, fill?: boolean, hollow?: boolean, width?: number,
 *   towards?: string}} Spec
 * @typedef {import("./types").Target} Model
 * @typedef {import("./types").Model} ChartModel
 * @typedef {{spec: Spec, values: Record<string, Float32Array>}} Series
 * @typedef {{X: (v: number) => number, Y: (v: number) => number, box: Box}} Frame
 */

// ---- Numbers on axes --------------------------------------------------------------------------

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** @param {number} exponent */
export const power = (exponent) =>
  (exponent < 0 ? "⁻" : "") +
  [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[+digit]).join("");

/**
 * A number as a reader expects it: a true minus, commas from 1,000, powers of ten far from 1.
 * @param {number} value
 * @param {number} [decimals] as short as it is by default
 */
export function write(value, decimals) {
  const size = Math.abs(value);
  if (size && (size < 1e-3 || size >= 1e5)) {
    const exponent = Math.floor(Math.log10(size) + 1e-9);
    const mantissa = Number((size / 10 ** exponent).toPrecision(3));
    const times = mantissa === 1 ? "" : `${mantissa} × `;
    return `${value < 0 ? "−" : ""}${times}10${power(exponent)}`;
  }
  const text =
    decimals === undefined ? String(Number(size.toPrecision(3))) : size.toFixed(decimals);
  const [whole, part] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const sign = value < 0 && Number(text) !== 0 ? "−" : "";
  return sign + grouped + (part ? `.${part}` : "");
}

/**
 * Round numbers in [low, high]: two or more, and at most so many where two can be had. Steps are
 * 1, 2 or 5 times a power of ten.
 * @param {number} low @param {number} high @param {number} most
 * @returns {number[]}
 */
export function ticks(low, high, most) {
  let unit = 10 ** Math.floor(Math.log10((high - low) / most));
  /** @type {number[]} */
  let before = [low, high];
  for (let tries = 0; tries < 3; tries++, unit *= 10)
    for (const times of [1, 2, 5]) {
      const step = times * unit;
      const [first, last] = [Math.ceil(low / step - 1e-6), Math.floor(high / step + 1e-6)];
      if (last <= first) return before;
      before = Array.from({ length: last - first + 1 }, (_, k) =>
        Number(((first + k) * step).toPrecision(12)),
      );
      if (before.length <= most) return before;
    }
  return before;
}

/**
 * Whole decades in [low, high], at most so many, evenly spaced.
 * @param {number} low @param {number} high @param {number} most
 */
export function decades(low, high, most) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  if (last - first < 1) return ticks(low, high, most).filter((value) => value > 0);
  const stride = Math.ceil((last - first + 1) / most);
  const values = [];
  for (let e = Math.ceil(first / stride) * stride; e <= last; e += stride)
    values.push(Number(`1e${e}`));
  return values;
}

/**
 * All numbers of one axis, written alike.
 * @param {number[]} values
 * @param {boolean} log
 */
export function axisWords(values, log) {
  const far = values.some((v) => v && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5));
  if (log && far) return values.map((v) => `10${power(Math.round(Math.log10(v)))}`);
  if (log || far) return values.map((v) => write(v));
  const places = values.map((v) => String(Number(v.toPrecision(9))).split(".")[1]?.length ?? 0);
  const decimals = Math.max(0, ...places);
  return values.map((v) => write(v, v === 0 ? 0 : decimals));
}

// ---- Where things stand -----------------------------------------------------------------------

/** @param {unknown} value @returns {Float32Array} */
function floats(value) {
  if (typeof value === "number") return Float32Array.of(value);
  if (!(value instanceof DataView)) return new Float32Array();
  return new Float32Array(
    value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength),
  );
}

const FAR = 1e4; // pixels: beyond any chart, and within what SVG draws

/**
 * @param {Domain} domain @param {number} from @param {number} to pixels of its two ends
 * @returns {(value: number) => number}
 */
export function scale({ low, high, log }, from, to) {
  const of = log ? Math.log10 : (/** @type {number} */ v) => v;
  const [start, span] = [of(low), of(high) - of(low)];
  return (value) => {
    const at = from + ((of(value) - start) / span) * (to - from);
    return Number.isNaN(at) ? NaN : Math.max(-FAR, Math.min(FAR, Math.round(10 * at) / 10));
  };
}

/**
 * The ends of an axis: those that are given, and for the others what the values need. A moving
 * end grows at once, and shrinks only when half of the axis would stand empty.
 * @param {(number | null)[]} given @param {number[]} values @param {boolean} log
 * @param {number} room the share of the span to leave free at a moving end
 * @param {Domain} [before] what the axis shows now
 * @returns {Domain}
 */
export function domain([low, high], values, log, room, before) {
  const fine = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  let [least, most] = [low ?? Math.min(...fine), high ?? Math.max(...fine)];
  if (!Number.isFinite(least)) least = log ? 1 : 0;
  if (!Number.isFinite(most)) most = log ? 10 * least : least + 1;
  if (!(most > least)) most = log ? 10 * least : least + 1;
  const span = log ? Math.log10(most / least) : most - least;
  const move = (/** @type {number} */ v, /** @type {number} */ by) =>
    log ? v * 10 ** (by * span) : v + by * span;
  if (before && before.high > before.low) {
    const old = log ? Math.log10(before.high / before.low) : before.high - before.low;
    const fits = least >= before.low && most <= before.high && span > old / 2;
    if (fits) return { low: low ?? before.low, high: high ?? before.high, log };
  }
  return { low: low ?? move(least, -room), high: high ?? move(most, room), log };
}

/** @param {Box} a @param {Box} b */
const overlap = (a, b) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/**
 * Choose a place for each label: within the frame, beside its own ink, on nobody else's.
 * @param {{width: number, own: number[][], before?: Box}[]} labels widths in pixels; own ink
 * @param {number[][][]} ink of every series, as points
 * @param {Box} frame
 * @returns {(Box | null)[]}
 */
export function place(labels, ink, frame) {
  const height = 16;
  /** @type {Box[]} */
  const taken = [];
  return labels.map(({ width, own, before }) => {
    let [best, least] = [/** @type {Box | null} */ (null), Infinity];
    const inside = own.filter(
      ([x, y]) =>
        x >= frame.x && x <= frame.x + frame.width && y >= frame.y && y <= frame.y + frame.height,
    );
    const stride = Math.max(1, Math.floor(inside.length / 24));
    for (let i = inside.length - 1; i >= 0; i -= stride) {
      const [x, y] = inside[i];
      for (const [dx, dy] of [
        [6, -20],
        [-6 - width, -20],
        [-width / 2, -22],
        [8, -8],
        [-8 - width, -8],
        [6, 4],
        [-6 - width, 4],
        [-width / 2, 6],
      ]) {
        const box = { x: x + dx, y: y + dy, width, height };
        if (
          box.x < frame.x + 2 ||
          box.x + width > frame.x + frame.width ||
          box.y < frame.y - 6 ||
          box.y + height > frame.y + frame.height
        )
          continue;
        let cost = 0.002 * (inside.length - i);
        // Ink under a label weighs most, then its nearness to other series' ink.
        for (const other of taken) if (overlap(other, box)) cost += 50;
        for (const points of ink) {
          const weight = points === own ? 2 : 3;
          let near = 30;
          for (const [px, py] of points) {
            const away = Math.max(box.x - px, px - box.x - width, box.y - py, py - box.y - height);
            if (away < 1) cost += weight;
            else if (points !== own && away < near) near = away;
          }
          if (points !== own) cost += (30 - near) / 15;
        }
        // It stays where it is rather than jump to what is a little better.
        if (before && Math.hypot(before.x - box.x, before.y - box.y) < 12) cost -= 2;
        if (cost < least) [best, least] = [box, cost];
      }
    }
    if (best) taken.push(best);
    return best;
  });
}

/**
 * What a reader hears of a series.
 * @param {Series} series
 * @param {string[]} categories
 */
export function describe({ spec, values: { x, y } }, categories) {
  const name = spec.label || spec.role;
  const number = (/** @type {number} */ v) => write(Number(v.toPrecision(3)));
  if (spec.kind === "level") return `${name}: a line at ${number((y.length ? y : x)[0])}.`;
  if (spec.kind === "bars")
    return `${name}: ${[...y].map((v, i) => `${categories[i] ?? i + 1} ${number(v)}`).join(", ")}.`;
  if (y.length && y.length <= 6)
    return `${name}: ${[...y].map((v, i) => `${number(v)} at ${number(x[i])}`).join(", ")}.`;
  let [low, high] = [-1, -1];
  y.forEach((v, i) => {
    if (!Number.isFinite(v)) return;
    if (low < 0 || v < y[low]) low = i;
    if (high < 0 || v > y[high]) high = i;
  });
  if (low < 0) return `${name}: nothing to show.`;
  return `${name}: from ${number(y[low])} at ${number(x[low])} up to ${number(y[high])} at ${number(x[high])}.`;
}

// ---- What is drawn ----------------------------------------------------------------------------

/** @param {string} tag @param {Record<string, string | number>} [attributes] @param {string} [text] */
function svg(tag, attributes = {}, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes))
    element.setAttribute(name, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** @param {Element} element @param {string} name @param {string} value */
function keep(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Points of a series on the screen; a gap where one is not finite.
 * @param {ArrayLike<number>} x @param {ArrayLike<number>} y @param {Frame} frame
 */
function project(x, y, { X, Y }) {
  const points = [];
  for (let i = 0; i < Math.min(x.length, y.length); i++) points.push([X(x[i]), Y(y[i])]);
  return points;
}

/** @param {number[][]} points @param {number} [bottom] where an area is closed */
function path(points, bottom) {
  let [text, open, last] = ["", false, 0];
  const close = () => (open && bottom !== undefined ? `L${last} ${bottom}Z` : "");
  for (const [x, y] of points) {
    if (Number.isNaN(x) || Number.isNaN(y)) [text, open] = [text + close(), false];
    else {
      text += open
        ? `L${x} ${y}`
        : bottom === undefined
          ? `M${x} ${y}`
          : `M${x} ${bottom}L${x} ${y}`;
      [open, last] = [true, x];
    }
  }
  return text + close();
}

/**
 * A line as points at most 8 pixels apart, for what must keep off it.
 * @param {number[][]} points
 */
function dense(points) {
  /** @type {number[][]} */
  const all = [];
  points.forEach(([x, y], i) => {
    const [px, py] = points[i - 1] ?? [x, y];
    const steps = Math.min(80, Math.ceil(Math.hypot(x - px, y - py) / 8) || 1);
    for (let k = 1; k <= steps; k++)
      all.push([px + ((x - px) * k) / steps, py + ((y - py) * k) / steps]);
  });
  const stride = Math.ceil(all.length / 250);
  return all.filter(([x, y], i) => i % stride === 0 && !Number.isNaN(x + y));
}

const SHADES = 8; // in how many steps points go from one colour to another

/**
 * The elements of a series, and the points where its ink is.
 * @param {Series} series @param {Frame} frame
 * @returns {{parts: [string, Record<string, string>][], ink: number[][], outside: number}}
 */
function drawing({ spec, values }, frame) {
  const { X, Y, box } = frame;
  const { x, y } = values;
  const [right, bottom] = [box.x + box.width, box.y + box.height];
  /** @type {[string, Record<string, string>][]} */
  const parts = [];
  if (spec.kind === "line" || spec.kind === "band" || spec.kind === "level") {
    let points = project(x, y, frame);
    if (spec.kind === "level")
      points = y.length
        ? [
            [box.x, Y(y[0])],
            [right, Y(y[0])],
          ]
        : x.length
          ? [
              [X(x[0]), bottom],
              [X(x[0]), box.y],
            ]
          : [];
    if (spec.kind === "band") {
      const back = project(x, values.low, frame).reverse();
      parts.push(["band", { d: path([...points, ...back]) + "Z" }]);
      return { parts, ink: dense(points), outside: 0 };
    }
    if (spec.fill) parts.push(["area", { d: path(points, bottom) }]);
    const wide = (spec.width ?? 2) * (spec.dash === "solid" ? 1 : 0.75);
    parts.push([`line ${spec.dash}`, { d: path(points), "stroke-width": String(wide) }]);
    return { parts, ink: dense(points), outside: 0 };
  }
  if (spec.kind === "bars") {
    const half = 0.3 * (X(1) - X(0));
    const ink = [];
    let d = "";
    for (let i = 0; i < y.length; i++) {
      const [from, to] = [Y(values.low[i] ?? values.low[0]), Y(y[i])].map((v) =>
        Math.max(box.y, Math.min(bottom, v)),
      );
      d += `M${X(i) - half} ${from}V${to}H${X(i) + half}V${from}Z`;
      for (let y = Math.min(from, to); y <= Math.max(from, to); y += 8)
        for (let k = -1; k <= 1; k += 0.25) ink.push([X(i) + k * half, y]);
    }
    return { parts: [["bar", { d }]], ink, outside: 0 };
  }
  const points = project(x, y, frame);
  const isIn = (/** @type {number[]} */ [px, py]) =>
    px >= box.x - 0.5 && px <= right + 0.5 && py >= box.y - 0.5 && py <= bottom + 0.5;
  const crowd = y.length > 500 ? " tiny" : y.length > 100 ? " small" : "";
  const [kind, size] =
    spec.kind === "dot" ? ["dot", ""] : ["points", spec.towards ? " shaded" : crowd];
  const groups = Array.from({ length: SHADES + 1 }, () => "");
  let [far, outside] = ["", 0];
  points.forEach(([px, py], i) => {
    if (Number.isNaN(px + py)) return;
    if (!isIn([px, py])) {
      outside++;
      far += `M${Math.max(box.x, Math.min(right, px))} ${Math.max(box.y, Math.min(bottom, py))}h0`;
      return;
    }
    const shade = values.shade?.length ? Math.max(0, Math.min(1, values.shade[i])) : 0;
    groups[Math.round(SHADES * shade)] += `M${px} ${py}h0`;
  });
  groups.forEach((d, k) => {
    const share = Math.round((100 * k) / SHADES);
    const style = spec.towards
      ? `--c: color-mix(in oklab, var(--dgm-${spec.towards}) ${share}%, var(--dgm-${spec.role}))`
      : "";
    if (d || k === 0) parts.push([`${kind}${size}`, { d, style }]);
    if (spec.hollow && d) parts.push([`${kind} hole`, { d }]);
  });
  // Not "far": Font Awesome takes that for an icon of its own, and puts one there.
  if (far)
    parts.push([`${kind}${size} beyond`, { d: far }], [`${kind}${size} beyond hole`, { d: far }]);
  return { parts, ink: points.filter(isIn), outside };
}

/** @param {boolean} square @param {number} width of the chart */
const innerHeightFor = (square, width) =>
  square ? Math.min(300, width - 60) : innerWidth <= 480 ? 140 : 172;

/** @param {{model: ChartModel, el: HTMLElement}} context */
function render({ model, el }) {
  const own = `dgm-chart-${Math.random().toString(36).slice(2)}`; // a page has one module for each chart
  const options = model.get("_options");
  const root = svg("svg", {
    class: "dgm-chart",
    role: "img",
    "aria-label": model.get("alt"),
    "aria-describedby": `${own}-words`,
    height: 28 + innerHeightFor(false, 0) + 36, // until its width is known: at least so much
  });
  const words = svg("desc", { id: `${own}-words` });
  const clip = svg("rect");
  const clipping = svg("clipPath", { id: `${own}-clip` });
  clipping.append(clip);
  const [back, lines, dots, front] = ["back", "lines", "dots", "front"].map((name) =>
    svg("g", { class: name }),
  );
  lines.setAttribute("clip-path", `url(#${own}-clip)`);
  root.append(words, clipping, back, lines, dots, front);
  el.classList.add("dgm-view", "dgm-view-chart");
  const title = document.createElement("div");
  title.className = "dgm-title";
  el.append(...(options.title ? [title] : []), root);
  title.textContent = options.title;

  /** @type {{spec: Spec, model: Model}[]} */
  let parts = [];
  /** @type {Map<number, Box>} */
  const stood = new Map();
  /** @type {{x?: Domain, y?: Domain}} */
  const shown = {};
  let [width, axes, waiting, closed] = [0, "", false, false];
  const pen = /** @type {CanvasRenderingContext2D} */ (
    document.createElement("canvas").getContext("2d")
  );
  /** @type {Map<string, number>} */
  const measured = new Map();
  const measure = (/** @type {string} */ text, weight = 400, size = 12) => {
    const key = `${weight} ${size} ${text}`;
    if (!measured.has(key)) {
      pen.font = `${weight} ${size}px ${getComputedStyle(el).fontFamily}`;
      measured.set(key, pen.measureText(text).width);
    }
    return /** @type {number} */ (measured.get(key));
  };

  /** @param {Series[]} series @returns {Frame} */
  const layout = (series) => {
    const lines = series.filter(({ spec }) => spec.kind !== "level");
    const gather = (/** @type {string[]} */ names) =>
      lines.flatMap(({ values }) => names.flatMap((name) => [...(values[name] ?? [])]));
    const [xlim, ylim] = [
      ["xmin", "xmax"],
      ["ymin", "ymax"],
    ].map((names) => names.map((name) => model.get(name)));
    const count = options.categories.length;
    const given = (/** @type {any[]} */ limits) => limits.every((v) => v !== null);
    shown.x = count
      ? { low: -0.5, high: count - 0.5, log: false }
      : domain(xlim, given(xlim) ? [] : gather(["x"]), options.xlog, 0, shown.x);
    shown.y = domain(ylim, given(ylim) ? [] : gather(["y", "low"]), options.ylog, 0.06, shown.y);
    const inner = innerHeightFor(options.square, width);
    const values = (/** @type {Domain} */ d, /** @type {number} */ most) =>
      (d.log ? decades : ticks)(d.low, d.high, most);
    const up = values(shown.y, Math.max(2, Math.min(5, Math.round(inner / 36))));
    const upWords = axisWords(up, shown.y.log);
    const left = 8 + Math.max(...upWords.map((text) => measure(text)), 0);
    const across = count
      ? options.categories.map((/** @type {string} */ _, /** @type {number} */ i) => i)
      : values(shown.x, Math.max(2, Math.min(7, Math.round((width - left) / 60))));
    const acrossWords = count ? options.categories : axisWords(across, shown.x.log);
    // Bars fill their chart: their names stand beside it.
    const names = series.flatMap(({ spec }) =>
      spec.kind === "bars" && spec.label ? [measure(spec.label, 600, 13) + 8] : [],
    );
    const right = Math.max(12, measure(acrossWords.at(-1) ?? "") / 2, ...names);
    const box = { x: left, y: 28, width: Math.max(40, width - left - right), height: inner };
    if (options.square) box.width = Math.min(box.width, inner);
    const frame = {
      box,
      X: scale(shown.x, box.x, box.x + box.width),
      Y: scale(shown.y, box.y + inner, box.y),
    };
    const key = JSON.stringify([shown, width, up, across]);
    if (key !== axes) drawAxes(frame, across, acrossWords, up, upWords);
    axes = key;
    return frame;
  };

  /** @param {Frame} frame @param {number[]} across @param {string[]} acrossWords @param {number[]} up @param {string[]} upWords */
  const drawAxes = ({ X, Y, box }, across, acrossWords, up, upWords) => {
    const [right, bottom] = [box.x + box.width, box.y + box.height];
    keep(root, "width", String(width));
    keep(root, "height", String(bottom + 36));
    for (const [name, value] of Object.entries({ ...box, y: box.y - 1, height: box.height + 2 }))
      keep(clip, name, String(value));
    const made = [
      svg("text", { x: 0, y: 12 }, options.ylabel),
      svg(
        "text",
        { x: (box.x + right) / 2, y: bottom + 33, "text-anchor": "middle" },
        options.xlabel,
      ),
    ];
    up.forEach((value, i) => {
      made.push(
        svg("path", { class: value === 0 ? "rule" : "grid", d: `M${box.x} ${Y(value)}H${right}` }),
      );
      made.push(svg("text", { x: box.x - 6, y: Y(value) + 4, "text-anchor": "end" }, upWords[i]));
    });
    made.push(svg("path", { class: "rule", d: `M${box.x} ${bottom}H${right}` }));
    across.forEach((value, i) => {
      if (!options.categories.length)
        made.push(svg("path", { class: "rule", d: `M${X(value)} ${bottom}v4` }));
      made.push(
        svg("text", { x: X(value), y: bottom + 17, "text-anchor": "middle" }, acrossWords[i]),
      );
    });
    back.replaceChildren(...made);
  };

  /** @param {Element} group @param {number} at @param {[string, Record<string, string>]} part @param {Spec} spec */
  const draw = (group, at, [kind, attributes], spec) => {
    const element = group.children[at] ?? group.appendChild(svg("path"));
    keep(element, "class", kind);
    const colour = `--c: var(--dgm-${spec.role})`;
    for (const [name, value] of Object.entries({
      ...attributes,
      style: attributes.style || colour,
    }))
      keep(element, name, value);
  };

  const redraw = () => {
    waiting = false;
    if (closed || !width) return;
    const names = ["x", "y", "low", "shade"];
    const series = parts.map(({ spec, model }) => ({
      spec,
      values: Object.fromEntries(names.map((name) => [name, floats(model.get(name))])),
    }));
    const frame = layout(series);
    const [used, ink] = [[0, 0], /** @type {number[][][]} */ ([])];
    let outside = 0;
    for (const one of series) {
      const drawn = drawing(one, frame);
      const which = one.spec.kind === "points" || one.spec.kind === "dot" ? 1 : 0;
      for (const part of drawn.parts) draw([lines, dots][which], used[which]++, part, one.spec);
      ink.push(drawn.ink);
      if (one.spec.kind === "points") outside += drawn.outside;
    }
    [lines, dots].forEach((group, k) => {
      while (group.children.length > used[k]) group.lastChild?.remove();
    });
    label(series, ink, frame, outside);
    const text = series.map((one) => describe(one, options.categories)).join(" ");
    if (words.textContent !== text) words.textContent = text;
  };

  /** @param {Series[]} series @param {number[][][]} ink @param {Frame} frame @param {number} outside */
  const label = (series, ink, { box }, outside) => {
    const labelled = series.flatMap(({ spec }, i) => (spec.label ? [i] : []));
    const wanted = labelled.map((i) => ({
      width: measure(series[i].spec.label, 600, 13),
      own: ink[i],
      before: stood.get(i),
    }));
    const places = place(wanted, ink, { ...box, width: width - box.x });
    const texts = places.flatMap((at, k) => {
      if (!at) return [];
      const { role, label } = series[labelled[k]].spec;
      stood.set(labelled[k], at);
      return [
        { x: at.x, y: at.y + 12, text: label, style: `--c: var(--dgm-${role})`, class: "label" },
      ];
    });
    if (outside) {
      const text = `${outside} outside`;
      texts.push({ x: box.x + box.width - measure(text), y: 12, text, style: "", class: "" });
    }
    texts.forEach(({ text, ...attributes }, k) => {
      const element = front.children[k] ?? front.appendChild(svg("text"));
      for (const [name, value] of Object.entries(attributes)) keep(element, name, String(value));
      if (element.textContent !== text) element.textContent = text;
    });
    while (front.children.length > texts.length) front.lastChild?.remove();
  };

  const ask = () => {
    if (!waiting) requestAnimationFrame(redraw); // once a frame, whatever has changed
    waiting = true;
  };
  const events = "change:x change:y change:low change:shade";
  const release = () => {
    for (const { model } of parts) model.off(events, ask);
  };
  const gather = async () => {
    const found = await Promise.all(
      model
        .get("_series")
        .map((/** @type {string} */ name) => findModel(model.widget_manager, name, () => closed)),
    );
    release();
    if (closed) return;
    parts = found.map((one) => ({ spec: one.get("_mark"), model: one }));
    for (const { model } of parts) model.on(events, ask);
    ask();
  };
  const name = () => root.setAttribute("aria-label", model.get("alt"));
  model.on("change:_series", gather);
  model.on("change:xmin change:xmax change:ymin change:ymax", ask);
  model.on("change:alt", name);
  const observer = new ResizeObserver((entries) => {
    const now = Math.floor(entries[entries.length - 1].contentRect.width);
    if (now === width) return;
    width = now;
    ask(); // not here: a chart that changes its size while sizes are told starts it all again
  });
  observer.observe(el);
  gather();
  return () => {
    closed = true;
    observer.disconnect();
    release();
    model.off("change:_series", gather);
    model.off("change:xmin change:xmax change:ymin change:ymax", ask);
    model.off("change:alt", name);
  };
}

export default {
  /** @param {{ model: ChartModel }} context */
  initialize({ model }) {
    hear(model);
  },
  render,
};
