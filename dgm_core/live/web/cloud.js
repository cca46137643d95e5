// Data and generated points on a plane, over the field of a discriminator: live.Cloud.

import { floats } from "./arrays.js";
import { make, view } from "./common.js";
import { BOTTOM, LEFT, scales, SIDE, ticks, TOP } from "./frame.js";

/** @param {string} color #rrggbb */
export const rgb = (color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));

/** @param {HTMLCanvasElement} canvas */
const penOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * @typedef {{ _axes: [xlabel: string, ylabel: string, extent: number, size: number],
 *   _colors: [data: string, model: string], _names: [string, string, string], alt: string,
 *   data: DataView, model: DataView, field: DataView }} Traits
 * @param {import("./types").Context<Traits>} context
 */
function cloud({ model, el }) {
  const [xlabel, ylabel, extent, size] = model.get("_axes");
  const [grey, blue] = model.get("_colors");
  const [dark, light] = [rgb(grey), rgb(blue)];
  const zoom = 2; // canvas pixels a pixel of the page
  const [width, height] = [LEFT + SIDE + 8, TOP + SIDE + BOTTOM];
  const canvas = make("canvas", {
    role: "img",
    className: "dgm-cloud",
    width: zoom * width,
    height: zoom * height,
  });
  canvas.style.width = `${width}px`;
  const names = model.get("_names").map((name) => make("span", {}, make("i"), name));
  names[0].style.setProperty("--dot", grey);
  names[1].style.setProperty("--dot", blue);
  el.append(canvas, make("div", { className: "dgm-legend" }, ...names));
  const pen = penOf(canvas);
  const shade = make("canvas", { width: size, height: size });
  const { toX, toY } = scales(extent);

  const field = () => {
    const image = new ImageData(size, size);
    floats(model.get("field")).forEach((d, i) => {
      const certain = Math.min(1, Math.abs(2 * d - 1));
      image.data.set([...(d > 0.5 ? dark : light), Number.isFinite(d) ? 120 * certain : 0], 4 * i);
    });
    penOf(shade).putImageData(image, 0, 0);
    pen.drawImage(shade, LEFT, TOP, SIDE, SIDE);
  };
  /** @param {CanvasRenderingContext2D} pen @param {"data" | "model"} trait @param {string} color */
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
      const layer = penOf(copy);
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
    pen.fillStyle = "#222832"; // as all of it, for paper; live.css turns it in the dark
    pen.strokeStyle = "#9aa3ad";
    pen.font = `12px ${getComputedStyle(el).fontFamily}`;
    pen.strokeRect(LEFT, TOP, SIDE, SIDE);
    for (const [t, text] of ticks(extent)) {
      pen.textAlign = "center";
      pen.fillText(text, toX(t), TOP + SIDE + 15);
      pen.textAlign = "end";
      pen.fillText(text, LEFT - 6, toY(t) + 4);
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
  model.on("change:data", () => {
    isNew = true;
  });
  model.on("change:alt", words);
  words();
  redraw();
}

export default view("cloud", cloud);
