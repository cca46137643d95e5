// A grid of grey images: live.Pixels.

import { floats } from "./arrays.js";
import { make, view } from "./common.js";
import { paint } from "./ink.js";

/**
 * @typedef {{ _grid: import("./types").Grid, _zoom: number, alt: string, title: string,
 *   pixels: DataView }} Traits
 * @param {import("./types").Context<Traits>} context
 */
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

export default view("pixels", pixels);
