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
 * The whole numbers along an axis, with the words for them.
 *
 * @param {number} extent
 * @returns {[number, string][]}
 */
export function ticks(extent) {
  const found = [];
  for (let t = Math.ceil(-extent); t <= extent; t++) found.push(t);
  return found.map((t) => [t, String(t).replace("-", "−")]);
}
