// A plane with a point to drag by mouse, finger or arrow keys: live.Plane.

import { floats } from "./arrays.js";
import { make, view } from "./common.js";
import { BOTTOM, decimals, LEFT, scales, SIDE, ticks, TOP } from "./frame.js";

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function svg(tag, attributes = {}, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes))
    element.setAttribute(name, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/**
 * @typedef {{ _axes: [xlabel: string, ylabel: string, extent: number], _points: DataView,
 *   _labels: DataView, _colors: string[], alt: string, x: number, y: number }} Traits
 * @param {import("./types").Context<Traits>} context
 */
function plane({ model, el }) {
  const [xlabel, ylabel, extent] = model.get("_axes");
  const { toX, toY } = scales(extent);
  const step = extent / 50;
  const digits = decimals(step);
  const root = svg("svg", {
    viewBox: `0 0 ${LEFT + SIDE + 8} ${TOP + SIDE + BOTTOM}`,
    class: "dgm-plane",
    role: "group",
    "aria-label": model.get("alt"),
  });
  root.append(svg("rect", { x: LEFT, y: TOP, width: SIDE, height: SIDE, class: "dgm-frame" }));
  for (const [t, text] of ticks(extent)) {
    root.append(svg("text", { x: toX(t), y: TOP + SIDE + 15, "text-anchor": "middle" }, text));
    root.append(svg("text", { x: LEFT - 6, y: toY(t) + 4, "text-anchor": "end" }, text));
  }
  root.append(
    svg("text", { x: LEFT + SIDE / 2, y: TOP + SIDE + 34, "text-anchor": "middle" }, xlabel),
  );
  const [cx, cy] = [12, TOP + SIDE / 2];
  root.append(
    svg(
      "text",
      { x: cx, y: cy, "text-anchor": "middle", transform: `rotate(-90 ${cx} ${cy})` },
      ylabel,
    ),
  );
  root.append(...background(model));

  const handle = svg("circle", {
    r: 9,
    class: "dgm-handle",
    tabindex: 0,
    role: "slider",
    "aria-valuemin": -extent,
    "aria-valuemax": extent,
  });
  root.append(handle);
  el.append(root);
  /** @param {number} v */
  const inside = (v) => Math.max(-extent, Math.min(extent, v));
  const place = () => {
    const [x, y] = [model.get("x"), model.get("y")];
    handle.setAttribute("cx", String(toX(inside(x))));
    handle.setAttribute("cy", String(toY(inside(y))));
    handle.setAttribute(
      "aria-label",
      `Point in the plane of ${xlabel} and ${ylabel}; the four arrow keys move it`,
    );
    const [across, up] = [x, y].map((value) => value.toFixed(digits));
    handle.setAttribute("aria-valuenow", across);
    handle.setAttribute("aria-valuetext", `${xlabel} ${across}, ${ylabel} ${up}`);
  };
  /** @param {number} x @param {number} y */
  const move = (x, y) => {
    model.set("x", Number(inside(x).toFixed(digits + 2)));
    model.set("y", Number(inside(y).toFixed(digits + 2)));
    model.save_changes();
  };
  /** @param {PointerEvent} event */
  const follow = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(
      root.getScreenCTM()?.inverse(),
    );
    move(
      ((point.x - LEFT) / SIDE) * 2 * extent - extent,
      extent - ((point.y - TOP) / SIDE) * 2 * extent,
    );
  };
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus({ preventScroll: true });
    follow(event);
  });
  root.addEventListener("pointermove", (event) => {
    if (root.hasPointerCapture(event.pointerId)) follow(event);
  });
  /** @type {Record<string, [number, number]>} */
  const keys = {
    ArrowLeft: [-step, 0],
    ArrowRight: [step, 0],
    ArrowUp: [0, step],
    ArrowDown: [0, -step],
  };
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

/**
 * The points of all classes as one picture, and each class's digit in the middle of its points.
 *
 * @param {import("./types").Model<Traits>} model
 */
function background(model) {
  const extent = model.get("_axes")[2];
  const { toX, toY } = scales(extent);
  const points = floats(model.get("_points"));
  const { buffer, byteOffset, byteLength } = model.get("_labels");
  const labels = new Uint8Array(buffer, byteOffset, byteLength);
  const canvas = make("canvas", { width: 3 * SIDE, height: 3 * SIDE });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const colors = model.get("_colors"); // for paper; live.css turns them in the dark
  pen.globalAlpha = 0.6;
  labels.forEach((label, i) => {
    pen.fillStyle = colors[label % colors.length];
    pen.beginPath();
    pen.arc(3 * (toX(points[2 * i]) - LEFT), 3 * (toY(points[2 * i + 1]) - TOP), 4, 0, 7);
    pen.fill();
  });
  /** @param {number} v */
  const inside = (v) => Math.max(-extent * 0.94, Math.min(extent * 0.94, v));
  const names = middles(points, labels).map(([label, x, y]) =>
    svg(
      "text",
      { x: toX(inside(x)), y: toY(inside(y)) + 6, "text-anchor": "middle", class: "dgm-class" },
      label,
    ),
  );
  const image = svg("image", {
    x: LEFT,
    y: TOP,
    width: SIDE,
    height: SIDE,
    href: canvas.toDataURL(),
  });
  return [image, ...names];
}

/**
 * The median, in either direction, of each class's points.
 *
 * @param {import("./types").Values} points x and y in turn
 * @param {Uint8Array} labels
 * @returns {[label: string, x: number, y: number][]}
 */
export function middles(points, labels) {
  /** @type {Record<string, number[][]>} */
  const found = {};
  labels.forEach((label, i) => {
    const [xs, ys] = (found[label] ??= [[], []]);
    xs.push(points[2 * i]);
    ys.push(points[2 * i + 1]);
  });
  /** @param {number[]} list */
  const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  return Object.entries(found).map(([label, [xs, ys]]) => [label, middle(xs), middle(ys)]);
}

export default view("plane", plane);
