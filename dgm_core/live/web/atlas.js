// A map over the unit square, a ring to move on it, and a large picture of what is drawn there:
// live.Atlas.

import { floats } from "./arrays.js";
import { view } from "./common.js";

const STEP = 0.02; // of an arrow key; with Shift, five times as far
const EDGE = 0.005; // the ring stays so far inside: at the edge itself a latent is infinite
const FACTOR = 10; // pixels of the picture along an edge of each of the decoder's
const WALK = 4500; // milliseconds; below the five for which moving things need no switch
const NEAR = 0.075; // a name pales where the ring is so near

/**
 * Lines of `side` values, each enlarged smoothly and through all of them, by cubic convolution
 * (cartography.py has the same).
 *
 * @param {ArrayLike<number>} values one line after the other
 * @param {number} side
 * @param {number} factor
 * @returns {Float32Array} transposed: the new values of all lines at one place, place by place
 */
export function enlarged(values, side, factor) {
  const lines = values.length / side;
  const large = new Float32Array(lines * side * factor);
  for (let i = 0; i < side * factor; i++) {
    const at = (i + 0.5) / factor - 0.5;
    const first = Math.floor(at);
    for (let k = -1; k <= 2; k++) {
      const t = Math.abs(at - first - k);
      const near = (1.5 * t - 2.5) * t * t + 1;
      const weight = t <= 1 ? near : ((-0.5 * t + 2.5) * t - 4) * t + 2;
      const column = Math.max(0, Math.min(side - 1, first + k));
      for (let line = 0; line < lines; line++)
        large[i * lines + line] += weight * values[line * side + column];
    }
  }
  return large;
}

/**
 * Ink of a picture that is smooth in the logits of its pixels, and so has sharp edges.
 *
 * @param {ArrayLike<number>} logits row by row
 * @param {number} factor
 * @returns {Uint8ClampedArray<ArrayBuffer>} red, green, blue and opacity: black, more or less of it
 */
export function inkOf(logits, factor) {
  const side = Math.round(Math.sqrt(logits.length));
  const large = enlarged(enlarged(logits, side, factor), side, factor);
  const colors = new Uint8ClampedArray(4 * large.length);
  for (let i = 0; i < large.length; i++) colors[4 * i + 3] = 255 / (1 + Math.exp(-large[i]));
  return colors;
}

/** @param {number} v */
export const inside = (v) => Math.max(EDGE, Math.min(1 - EDGE, v));

/**
 * Where a walk along some places is after a share of its time: it starts and ends slowly.
 *
 * @param {[x: number, y: number][]} places
 * @param {number} share from 0 to 1
 * @returns {[x: number, y: number]}
 */
export function along(places, share) {
  const legs = places.length - 1;
  const eased = legs * share * share * (3 - 2 * share);
  const leg = Math.min(legs - 1, Math.floor(eased));
  const [[x0, y0], [x1, y1]] = [places[leg], places[leg + 1]];
  const t = eased - leg;
  return [x0 + t * (x1 - x0), y0 + t * (y1 - y0)];
}

/**
 * The data of an SVG path with a dot at each code of a class.
 *
 * @param {Uint16Array} codes across and up in turn, 65535 is 1
 * @param {Uint8Array} labels
 * @param {number} label
 * @param {number} size of the drawing
 */
export function dotsOf(codes, labels, label, size) {
  let path = "";
  labels.forEach((one, i) => {
    if (one !== label) return;
    const [x, y] = [codes[2 * i] / 65535, 1 - codes[2 * i + 1] / 65535];
    path += `M${(size * x).toFixed(1)} ${(size * y).toFixed(1)}h0`;
  });
  return path;
}

/**
 * @typedef {{ x: number, y: number, words: string, dots: boolean, logits: DataView,
 *   _graph: string, _markup: string, _codes: DataView, _labels: DataView,
 *   _tour: [number, number][] }} Traits
 * @param {import("./types").Context<Traits>} context
 */
function atlas({ model, el }) {
  el.innerHTML = model.get("_markup");
  /** @template {HTMLElement} E @param {string} selector */
  const part = (selector) => /** @type {E} */ (el.querySelector(selector));
  /** @type {HTMLElement} */
  const map = part(".dgm-map");
  /** @type {HTMLElement} */
  const ring = part(".dgm-ring");
  /** @type {HTMLCanvasElement} */
  const canvas = part("canvas");
  /** @type {HTMLInputElement} */
  const box = part("input");
  const numbers = part(".dgm-numbers");
  /** @type {HTMLElement[]} */
  const names = [...el.querySelectorAll(".dgm-label")].map((one) => /** @type {any} */ (one));
  const places = names.map(({ style }) => [
    Number.parseFloat(style.left) / 100,
    1 - Number.parseFloat(style.top) / 100,
  ]);

  // ---- The ring ----------------------------------------------------------------------------
  const label = "Place on the map; the four arrow keys move it";
  for (const [name, value] of Object.entries({
    role: "slider",
    tabindex: "0",
    "aria-label": label,
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  }))
    ring.setAttribute(name, value);
  const place = () => {
    const [x, y] = [model.get("x"), model.get("y")];
    ring.style.left = `${100 * x}%`;
    ring.style.top = `${100 * (1 - y)}%`;
    const far = places.map(([px, py]) => Math.hypot(px - x, py - y));
    names.forEach((name, k) => {
      name.classList.toggle("dgm-pale", far[k] < NEAR);
    });
    const nearest = names[far.indexOf(Math.min(...far))].textContent;
    const [across, up] = [x, y].map((v) => Math.round(100 * v));
    ring.setAttribute("aria-valuenow", String(across));
    ring.setAttribute(
      "aria-valuetext",
      `${across}% across, ${up}% up, nearest to the name ${nearest}`,
    );
  };
  /** @param {number} x @param {number} y */
  const move = (x, y) => {
    model.set({ x: Number(inside(x).toFixed(4)), y: Number(inside(y).toFixed(4)) });
    model.save_changes();
  };
  /** @param {MouseEvent} event */
  const follow = (event) => {
    const frame = map.getBoundingClientRect();
    move(
      (event.clientX - frame.left) / frame.width,
      1 - (event.clientY - frame.top) / frame.height,
    );
  };
  // A finger that comes down beside the ring may be about to scroll: the ring comes when the finger
  // was only tapping, or moves sideways. (On the ring itself it cannot scroll: live.css.)
  map.addEventListener("pointerdown", (event) => {
    stop();
    map.setPointerCapture(event.pointerId);
    ring.classList.add("dgm-held"); // the hand knows where it is; keys need to see the focus
    ring.focus({ preventScroll: true });
    if (event.target === ring || event.pointerType === "mouse") event.preventDefault();
    if (event.pointerType === "mouse") follow(event);
  });
  map.addEventListener("pointermove", (event) => {
    if (map.hasPointerCapture(event.pointerId)) follow(event);
  });
  map.addEventListener("click", follow);
  /** @type {Record<string, [number, number]>} */
  const keys = {
    ArrowLeft: [-STEP, 0],
    ArrowRight: [STEP, 0],
    ArrowUp: [0, STEP],
    ArrowDown: [0, -STEP],
  };
  ring.addEventListener("blur", () => ring.classList.remove("dgm-held"));
  ring.addEventListener("keydown", (event) => {
    stop();
    ring.classList.remove("dgm-held");
    const by = keys[event.key];
    if (!by) return;
    event.preventDefault();
    const far = event.shiftKey ? 5 : 1;
    move(model.get("x") + far * by[0], model.get("y") + far * by[1]);
  });

  // ---- What is drawn there -----------------------------------------------------------------
  canvas.width = canvas.height = 28 * FACTOR;
  const draw = () => {
    const image = new ImageData(inkOf(floats(model.get("logits")), FACTOR), canvas.width);
    canvas.getContext("2d")?.putImageData(image, 0, 0);
  };
  canvas.setAttribute("aria-label", "The digit that the decoder draws at the ring");
  const say = () => {
    numbers.textContent = model.get("words").replaceAll("-", "−");
  };
  const scatter = () => {
    box.checked = model.get("dots");
    const codes = part(".dgm-codes");
    if (!box.checked || codes.childNodes.length) {
      codes.style.display = box.checked ? "" : "none";
      return;
    }
    codes.style.display = "";
    const [places, labels] = ["_codes", "_labels"].map((name) => {
      const { buffer, byteOffset, byteLength } = model.get(/** @type {"_codes"} */ (name));
      return buffer.slice(byteOffset, byteOffset + byteLength);
    });
    for (let k = 0; k < 10; k++) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      const dots = dotsOf(new Uint16Array(places), new Uint8Array(labels), k, 440);
      path.setAttribute("d", dots);
      path.style.stroke = `var(--dgm-digit${k})`;
      codes.append(path);
    }
  };
  box.addEventListener("change", () => {
    model.set("dots", box.checked);
    model.save_changes();
  });

  // ---- A short walk, once, in a book -------------------------------------------------------
  let walking = Boolean(globalThis.dgmBook);
  function stop() {
    walking = false;
  }
  const start = async () => {
    const id = model.get("_graph").slice("IPY_MODEL_".length);
    const graph = await model.widget_manager.get_model(id);
    const engine = graph && globalThis.dgmGraphs?.get(graph.get("_key"));
    if (!engine || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    /** @param {import("./types").Status} status */
    const once = (status) => {
      if (status.state === "loading") return;
      engine.watchers.delete(once);
      if (status.state === "ready") requestAnimationFrame(walk);
    };
    engine.watchers.add(once);
  };
  /** @type {number | undefined} */
  let began;
  /** @param {number} now */
  const walk = (now) => {
    began ??= now + 600; // what has just come is looked at first
    if (!walking || !el.isConnected) return;
    if (now > began) {
      const frame = map.getBoundingClientRect();
      if (frame.bottom < 0 || frame.top > innerHeight) return;
      const share = Math.min(1, (now - began) / WALK);
      move(...along(model.get("_tour"), share));
      if (share === 1) return;
    }
    requestAnimationFrame(walk);
  };

  model.on("change:x", place);
  model.on("change:y", place);
  model.on("change:logits", draw);
  model.on("change:words", say);
  model.on("change:dots", scatter);
  place();
  draw();
  say();
  scatter();
  if (walking) start();
}

export default view("atlas", atlas);
