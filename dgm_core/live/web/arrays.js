// Arrays of float32 numbers, as Python sends them and takes them: bytes (live/base.py).

/**
 * @param {number | DataView | ArrayLike<number> | null | undefined} value
 * @returns {Float32Array} a copy; nothing for a trait without a value
 */
export function floats(value) {
  if (typeof value === "number") return Float32Array.of(value);
  if (!(value instanceof DataView)) return Float32Array.from(value ?? []);
  const { buffer, byteOffset, byteLength } = value;
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** @param {ArrayLike<number>} array */
export const bytes = (array) => new DataView(Float32Array.from(array).buffer);
