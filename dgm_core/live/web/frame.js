// The square in which plane and cloud draw: from -extent to extent in both directions.

export const [SIDE, LEFT, BOTTOM, TOP] = [300, 44, 40, 8];

/** @param {number} extent */
export function scales(extent) {
  return {
    /** @param {number} x */
    toX: (x) => LEFT + ((x + extent) / (2 * extent)) * SIDE,
    /** @param {number} y */
    toY: (y) => TOP + ((extent - y) / (2 * extent)) * SIDE,
  };
}

/**
 * Decimals with which numbers that are so far apart look different, at least two.
 *
 * @param {number} step
 */
export const decimals = (step) => Math.max(2, Math.ceil(-Math.log10(step) - 1e-9));

/**
 * The numbers along an axis, with the words for them: the whole ones, where those are neither few
 * nor many.
 *
 * @param {number} extent
 * @returns {[number, string][]}
 */
export function ticks(extent) {
  let step = 1;
  if (extent < 1 || extent > 8) {
    const power = 10 ** Math.floor(Math.log10(extent / 2) + 1e-9);
    step =
      [5, 2, 1].map((each) => each * power).find((each) => 2 * each <= extent * (1 + 1e-9)) ?? 1;
  }
  const most = Math.floor(extent / step + 1e-9);
  const found = Array.from({ length: 2 * most + 1 }, (_, k) =>
    Number(((k - most) * step).toPrecision(12)),
  );
  return found.map((t) => [t, String(t).replace("-", "−")]);
}
