// Numbers as people type them. Nothing here knows a page: Node's test runner tests it all.

/** @type {Record<string, string>} */
const SUPERSCRIPTS = { "⁻": "-", "⁺": "+" };
for (const [value, digit] of [..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) SUPERSCRIPTS[digit] = String(value);
const BLANKS = "[ '_\\u2019]"; // what may stand between groups of digits, beside point and comma

/**
 * The text with one character for each thing that may be written by several.
 *
 * @param {string} text
 */
const plain = (text) =>
  text
    .replace(
      /[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+/g,
      (power) => `^${[...power].map((c) => SUPERSCRIPTS[c]).join("")}`,
    )
    .replace(/[¼-¾⅐-⅞]/g, (fraction) => ` ${fraction.normalize("NFKC")}`)
    .normalize("NFKC") // full-width digits, narrow and unbreakable blanks
    .replace(/[\u2010-\u2015\u2212]/g, "-")
    .replace(/[\u2044\u2215÷]/g, "/")
    .replace(/\s+/g, " ")
    .trim();

/**
 * What a run of digits, points and commas may mean; a comma before three digits, as in 1,234, may
 * separate thousands or be a decimal comma, and a point likewise.
 *
 * @param {string} text
 * @returns {number[]}
 */
function unsigned(text) {
  const found = new Set();
  for (const [group, point] of [
    [",", "\\."],
    ["\\.", ","],
    [BLANKS, "[.,]"],
  ]) {
    const whole = `\\d+|[1-9]\\d{0,2}(?:${group}\\d{3})+|[1-9]\\d?(?:${group}\\d\\d)+${group}\\d{3}`;
    const match = new RegExp(`^(${whole})?(?:${point}(\\d*))?$`).exec(text);
    if (match && (match[1] || match[2]))
      found.add(Number(`${(match[1] ?? "0").replace(/\D/g, "")}.${match[2] || 0}`));
  }
  return [...found];
}

/**
 * A number with what may follow it: an exponent as in 1e4 or 1 × 10^4, or a power, as 2^10.
 *
 * @param {string} text
 * @returns {number[]}
 */
function scaled(text) {
  const power = /^(.*?) ?(?:\^|\*\*) ?([+-]?\d+)$/.exec(text);
  if (power) {
    const times = /^(.+?) ?[x×·⋅*] ?10$/i.exec(power[1]);
    if (times) return unsigned(times[1]).map((value) => Number(`${value}e${power[2]}`));
    return unsigned(power[1]).map((base) => base ** Number(power[2]));
  }
  const exponent = /^(.+?)e([+-]?\d+)$/i.exec(text);
  if (exponent) return unsigned(exponent[1]).map((value) => value * 10 ** Number(exponent[2]));
  return unsigned(text);
}

/**
 * The unit that a text ends in, in the singular, and what stands before it.
 *
 * @param {string} text
 * @returns {[rest: string, unit: string]}
 */
function cutUnit(text) {
  const match = /^(.*?[\d.,]) ?(%|[\p{L}][\p{L}./ ]*)$/u.exec(text);
  return match ? [match[1], singular(match[2])] : [text, ""];
}

/** @param {string} unit */
const singular = (unit) =>
  unit
    .trim()
    .toLowerCase()
    .replace(/\.$/, "")
    .replace(/^percent$|^per cent$/, "%")
    .replace(/(?<=\p{L})s(?=\/|$)/gu, "");

/**
 * Every number that a typed text may mean: signs of all kinds, separators of thousands, decimal
 * points and commas, exponents, fractions, the unit at the end, and per cent of what has no unit.
 *
 * @param {string} typed
 * @param {string} [unit] in which the number is asked for
 * @returns {number[] | undefined} nothing of what is no number; undefined where the text ends in
 *   another unit
 */
export function readings(typed, unit = "") {
  const [body, own] = cutUnit(plain(typed).replace(/^[=≈~] ?/, ""));
  const asked = singular(unit.normalize("NFKC"));
  const signed = /^([+-]?) ?(.*)$/.exec(body);
  const [, sign, text] = /** @type {RegExpExecArray} */ (signed);
  const mixed = /^(?:(\d+) )?([^/]+?) ?\/ ?([^/]+)$/.exec(text);
  let found = scaled(text);
  if (mixed) {
    const [whole, above, below] = [Number(mixed[1] ?? 0), scaled(mixed[2]), scaled(mixed[3])];
    found = above.flatMap((a) => below.map((b) => whole + a / b));
  }
  const share = own === "%" && asked === "" ? 100 : 1;
  found = found.map((value) => (sign === "-" ? -value : value) / share).filter(Number.isFinite);
  if (!found.length || own === "" || own === asked || share === 100) return found;
  return asked === "" ? [] : undefined;
}
