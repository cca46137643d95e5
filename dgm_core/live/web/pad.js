// A pad to draw a digit on, with mouse, finger or keys: live.Pad.

import { bytes, floats } from "./arrays.js";
import { make, view } from "./common.js";
import { paint } from "./ink.js";
import { isSame } from "./values.js";

const N = 28;

/**
 * The drawing, moved so that its centre of mass is the centre, as MNIST's digits are.
 *
 * @param {Float32Array} ink
 */
export function centred(ink) {
  let [mass, mx, my] = [0, 0, 0];
  ink.forEach((v, i) => {
    mass += v;
    mx += v * (i % N);
    my += v * Math.floor(i / N);
  });
  if (!mass) return ink;
  const [dx, dy] = [Math.round(13.5 - mx / mass), Math.round(13.5 - my / mass)];
  const out = new Float32Array(N * N);
  ink.forEach((v, i) => {
    const [x, y] = [(i % N) + dx, Math.floor(i / N) + dy];
    if (v && x >= 0 && x < N && y >= 0 && y < N) out[y * N + x] = v;
  });
  return out;
}

/**
 * @typedef {{ ink: DataView, pixels: DataView, _examples: DataView, _names: string[],
 *   _title: string }} Traits
 * @param {import("./types").Context<Traits>} context
 */
function pad({ model, el }) {
  let ink = floats(model.get("ink")); // as it was drawn; `pixels` is that, centred
  const canvas = make("canvas", {
    width: N,
    height: N,
    tabIndex: 0,
    className: "dgm-pad",
    role: "application",
    "aria-label":
      "Drawing pad, 28 by 28 pixels. Arrow keys move the pen, the space bar puts it down or lifts it.",
  });
  const cursor = { x: 14, y: 14, down: false, shown: false };
  const show = () => {
    paint(canvas, ink, [1, 1, N, N]);
    if (!cursor.shown) return;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.fillStyle = cursor.down ? "#c2410c" : "#e69f00";
    pen.fillRect(cursor.x, cursor.y, 1, 1);
  };
  const send = () => {
    model.set({ ink: bytes(ink), pixels: bytes(centred(ink)) });
    model.save_changes();
  };
  model.on("change:ink", () => {
    ink = floats(model.get("ink"));
    show();
  });
  model.on("change:pixels", () => {
    const pixels = floats(model.get("pixels"));
    if (isSame(pixels, centred(floats(model.get("ink"))))) return;
    model.set("ink", bytes(pixels)); // set by Python
    model.save_changes();
  });
  /** @param {number} x @param {number} y */
  const dab = (x, y) => {
    for (let i = 0; i < N * N; i++) {
      const distance = Math.hypot((i % N) + 0.5 - x, Math.floor(i / N) + 0.5 - y);
      ink[i] = Math.max(ink[i], Math.min(1, Math.max(0, 1.9 - distance)));
    }
  };
  /** @type {number[] | undefined} */
  let last;
  /** @param {PointerEvent} event */
  const stroke = (event) => {
    const box = canvas.getBoundingClientRect();
    const to = [
      ((event.clientX - box.left) / box.width) * N,
      ((event.clientY - box.top) / box.height) * N,
    ];
    const from = last ?? to;
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let k = 1; k <= steps; k++)
      dab(from[0] + ((to[0] - from[0]) * k) / steps, from[1] + ((to[1] - from[1]) * k) / steps);
    last = to;
    send();
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = undefined;
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) stroke(event);
  });
  /** @type {Record<string, [number, number]>} */
  const keys = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    const by = keys[event.key];
    if (!by && event.key !== " ") return;
    event.preventDefault();
    cursor.shown = true;
    if (by) {
      cursor.x = Math.min(N - 1, Math.max(0, cursor.x + by[0]));
      cursor.y = Math.min(N - 1, Math.max(0, cursor.y + by[1]));
    } else cursor.down = !cursor.down;
    if (cursor.down) {
      dab(cursor.x + 0.5, cursor.y + 0.5);
      send();
    }
    show();
  });
  canvas.addEventListener("blur", () => {
    cursor.shown = false;
    show();
  });

  /** @param {Float32Array} values */
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
    const button = make(
      "button",
      { type: "button", className: "dgm-sample", "aria-label": `Load ${name}` },
      picture,
    );
    button.addEventListener("click", () => replace(values));
    return button;
  });
  el.append(
    make("div", { className: "dgm-title" }, model.get("_title")),
    canvas,
    make("div", { className: "dgm-row" }, clear, ...samples),
  );
  show();
}

export default view("pad", pad);
