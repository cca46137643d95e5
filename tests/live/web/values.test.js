import assert from "node:assert/strict";
import test from "node:test";

import { bytes, floats } from "../../../dgm_core/live/web/arrays.js";
import {
  draw,
  format,
  isSame,
  relativeError,
  size,
  summary,
} from "../../../dgm_core/live/web/values.js";

test("bytes give back their numbers, also from the middle of a buffer", () => {
  assert.deepEqual(floats(bytes([1, -2.5, 3])), Float32Array.of(1, -2.5, 3));
  const { buffer } = bytes([1, -2.5, 3]);
  assert.deepEqual(floats(new DataView(buffer, 4, 8)), Float32Array.of(-2.5, 3));
  assert.deepEqual(floats(7), Float32Array.of(7));
  assert.deepEqual(floats(undefined), new Float32Array(0));
});

test("a copy of bytes does not change with them", () => {
  const sent = bytes([1]);
  const copy = floats(sent);
  sent.setFloat32(0, 5, true);
  assert.equal(copy[0], 1);
});

test("the size of a number is 1", () => {
  assert.equal(size([]), 1);
  assert.equal(size([2, 3, 4]), 24);
});

test("numbers look as Python writes them", () => {
  const values = {
    x: 2.34567,
    tiny: 1e-9,
    large: 1.5e12,
    minus: -0.5,
    none: -1e-9,
    zero: -0,
    share: 0.126,
  };
  for (const [template, text] of [
    ["{x}", "2.34567"],
    ["x = {x:.3f}!", "x = 2.346!"],
    ["{x:+.2f} {minus:+.2f}", "+2.35 −0.50"],
    ["{tiny:.1e} {large:.2e} {x:.1e}", "1.0\u00a0×\u00a010⁻⁹ 1.50\u00a0×\u00a010¹² 2.3"],
    ["{share:.0%} {share:+.1%}", "13% +12.6%"],
    [
      "{minus:.1f} {minus} {none:.2f} {none:+.1f} {none:.1e} 2-D",
      "−0.5 −0.5 0.00 0.0 −1.0\u00a0×\u00a010⁻⁹ 2-D",
    ],
    ["{zero:.1f} {zero:+.1f} {zero:.0%}", "0.0 +0.0 0%"],
  ])
    assert.equal(format(template, values), text);
});

test("numbers that are not finite are named as in Python", () => {
  const values = { a: Number.NaN, b: Infinity, c: -Infinity };
  assert.equal(format("{a:.3f} {b:.1e} {c:.0%}", values), "nan inf −inf");
});

test("the relative error is of the scale of what is wanted", () => {
  assert.equal(relativeError([1, 2], [1, 2]), 0);
  assert.equal(relativeError([1, 5], [1, 4]), 1 / 4);
  assert.equal(relativeError([0.5], [0]), 0.5 / 1e-6);
});

test("what is not finite agrees only with its like", () => {
  assert.equal(relativeError([Number.NaN, Infinity, 1], [Number.NaN, Infinity, 1]), 0);
  for (const [got, want] of [
    [Number.NaN, 1],
    [1, Number.NaN],
    [Infinity, -Infinity],
    [1, Infinity],
  ])
    assert.equal(relativeError([got], [want]), Infinity);
  assert.equal(relativeError([2, Infinity], [1, Infinity]), 1);
});

test("a summary has six digits, null for what is not finite, and short arrays whole", () => {
  const tensor = (data, dims = [data.length]) => ({ data: Float64Array.from(data), dims });
  const outputs = {
    number: tensor([Math.PI], []),
    bad: tensor([Number.NaN], []),
    few: tensor([1e-9, Infinity, 123456789]),
  };
  assert.equal(summary(outputs), '{"number":3.14159,"bad":null,"few":[1e-9,null,123457000]}');
});

test("of a long array a summary has length, mean, middle, min and max", () => {
  const data = Float64Array.from({ length: 65 }, (_, i) => i);
  const long = (values) => JSON.parse(summary({ a: { data: values, dims: [65] } })).a;
  assert.deepEqual(long(data), { length: 65, mean: 32, middle: 21.1692, min: 0, max: 64 });
  data[30] = Number.NaN; // as in NumPy, all four are then NaN
  assert.deepEqual(long(data), { length: 65, mean: null, middle: null, min: null, max: null });
});

test("texts, numbers and arrays are the same when each of their parts is", () => {
  assert.ok(isSame("a", "a") && isSame(Number.NaN, Number.NaN) && isSame([1, 2], [1, 2]));
  assert.ok(!isSame("a", "b") && !isSame(0, -0) && !isSame([1, 2], [1, 3]));
});

test("noise is Box and Muller's, and uniform noise what was drawn", () => {
  const numbers = [0.75, 0.5, 0, 0.25];
  const random = () => numbers.shift();
  assert.deepEqual(draw("uniform", [2], random), Float32Array.of(0.75, 0.5));
  numbers.splice(0, 2, 1 - Math.exp(-0.5), 0, 1 - Math.exp(-2), 0.5);
  assert.deepEqual(draw("normal", [2, 1], random), Float32Array.of(1, -2));
});

test("normal noise has mean 0 and variance 1", () => {
  let state = 1; // a fixed sequence, by Park and Miller
  const random = () => {
    state = (48271 * state) % 2147483647;
    return state / 2147483647;
  };
  const values = Array.from(draw("normal", [100, 200], random));
  const mean = (list) => list.reduce((a, b) => a + b) / list.length;
  assert.ok(Math.abs(mean(values)) < 0.02);
  assert.ok(Math.abs(mean(values.map((v) => v * v)) - 1) < 0.03);
});
