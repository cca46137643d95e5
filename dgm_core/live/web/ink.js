// Ink on paper: 0 is white, 1 is black. A number that is not finite is red.

/**
 * @param {import("./types").Values} values of the images one after the other, row by row
 * @param {import("./types").Grid} grid
 * @returns {Uint8ClampedArray<ArrayBuffer>} red, green, blue and opacity of the picture's pixels
 */
export function inked(values, [rows, columns, height, width]) {
  const colors = new Uint8ClampedArray(4 * rows * columns * height * width);
  for (let i = 0; i < values.length; i++) {
    const [cell, pixel] = [Math.floor(i / (height * width)), i % (height * width)];
    const y = Math.floor(cell / columns) * height + Math.floor(pixel / width);
    const at = 4 * (y * columns * width + (cell % columns) * width + (pixel % width));
    const ok = Number.isFinite(values[i]);
    const shade = ok ? 255 * (1 - Math.min(1, Math.max(0, values[i]))) : 0;
    colors.set(ok ? [shade, shade, shade, 255] : [200, 0, 0, 255], at);
  }
  return colors;
}

/**
 * @param {HTMLCanvasElement} canvas as large as the grid
 * @param {import("./types").Values} values
 * @param {import("./types").Grid} grid
 */
export function paint(canvas, values, grid) {
  const [, columns, , width] = grid;
  const image = new ImageData(inked(values, grid), columns * width);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
