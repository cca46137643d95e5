// What a graph makes of numbers. Nothing here knows a page: Node's test runner tests it all.

/** @param {import("./types").Shape} shape */
export const size = (shape) => shape.reduce((product, n) => product * n, 1);

/**
 * Noise: uniform on [0, 1), or standard normal by Box and Muller.
 *
 * @param {string} law "uniform" or "normal"
 * @param {import("./types").Shape} shape
 * @param {() => number} random uniform on [0, 1)
 */
export function draw(law, shape, random = Math.random) {
  const values = new Float32Array(size(shape));
  if (law === "uniform") return values.map(random);
  return values.map(
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}

/**
 * The largest difference, of the scale of the second array; infinite where one is finite and the
 * other is not.
 *
 * @param {import("./types").Values} got
 * @param {import("./types").Values} want
 */
export function relativeError(got, want) {
  let [difference, scale] = [0, 1e-6];
  for (let i = 0; i < want.length; i++) {
    if (Object.is(got[i], want[i])) continue;
    if (!Number.isFinite(got[i]) || !Number.isFinite(want[i])) return Infinity;
    difference = Math.max(difference, Math.abs(got[i] - want[i]));
  }
  for (const value of Array.from(want))
    if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  return difference / scale;
}

/**
 * Whether two numbers, two texts or two arrays are the same; of one kind, as of one trait.
 *
 * @param {any} a
 * @param {any} b
 * @returns {boolean}
 */
export const isSame = (a, b) =>
  typeof a === "object"
    ? a.every((/** @type {number} */ value, /** @type {number} */ i) => Object.is(value, b[i]))
    : Object.is(a, b);

/** @param {number} value */
const number = (value) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null);

/**
 * Outputs as JSON, as `summarise` in live/sources.py writes them: numbers to 6 digits, arrays of more
 * than 64 as length, mean, middle, min and max, null for what is not finite. The middle is the
 * mean of value times place, as a share of the length: two samples seldom share that, though they
 * may the rest.
 *
 * @param {Record<string, import("./types").Tensor>} outputs
 */
export function summary(outputs) {
  /** @type {Record<string, unknown>} */
  const short = {};
  for (const [name, { data, dims }] of Object.entries(outputs)) {
    if (dims.length === 0) short[name] = number(data[0]);
    else if (data.length <= 64) short[name] = Array.from(data, number);
    else {
      let [total, turned, low, high] = [0, 0, Infinity, -Infinity];
      for (const [i, value] of data.entries()) {
        total += value;
        turned += i * value;
        low = Math.min(low, value); // NaN where one is, as in NumPy
        high = Math.max(high, value);
      }
      short[name] = {
        length: data.length,
        mean: number(total / data.length),
        middle: number(turned / data.length ** 2),
        min: number(low),
        max: number(high),
      };
    }
  }
  return JSON.stringify(short);
}

/**
 * The subset of Python's format that Graph.drive admits: {name}, {name:.3f}, {name:+.2f}, e and %;
 * with a minus sign, not a hyphen, none before a zero, and powers of ten (dgm_core/prose.py).
 *
 * @param {string} template
 * @param {Record<string, number>} values
 */
export function format(template, values) {
  return template.replace(
    /\{([^{}:]+)(?::(\+?)\.(\d+)([fe%]))?\}/g,
    (_, name, plus, digits, kind) => {
      const value = values[name];
      if (!kind) return printed(String(value));
      if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "−inf";
      const text =
        kind === "f"
          ? value.toFixed(digits)
          : kind === "%"
            ? (100 * value).toFixed(digits) + "%"
            : value.toExponential(digits);
      if (plus && value >= 0) return printed(`+${text}`);
      return printed(text.replace(/^-(?=[0.%]*(e|$))/, ""));
    },
  );
}

/**
 * A number that JavaScript wrote, such as -1.5e-5, as it is printed: −1.5 × 10⁻⁵.
 *
 * @param {string} text
 */
function printed(text) {
  const [digits, exponent] = text.split("e");
  const power = [...(exponent ?? "").replace("+", "")].map((sign) => RAISED[sign]).join("");
  return digits.replace("-", "−") + (power && power !== "⁰" ? `\u00a0×\u00a010${power}` : "");
}

/** @type {Record<string, string>} */
const RAISED = Object.fromEntries([..."-0123456789"].map((sign, k) => [sign, "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"[k]]));
