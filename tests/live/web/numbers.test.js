import assert from "node:assert/strict";
import test from "node:test";

import { readings } from "../../../dgm_core/live/web/numbers.js";

/** The text is read as this number, and as nothing else. */
const reads = (typed, value, unit = "") => {
  const found = readings(typed, unit);
  const near = found?.filter((one) => Math.abs(one - value) <= 1e-12 * Math.abs(value));
  assert.equal(near?.length, 1, `${typed}: ${found}`);
  assert.equal(found.length, 1, `${typed}: ${found}`);
};

/** The text may be read as this number. */
const readsAmong = (typed, value) => assert.ok(readings(typed).includes(value), typed);

test("a plain number is itself, whatever its sign looks like", () => {
  for (const [typed, value] of [
    ["0", 0],
    ["7", 7],
    [" 0.5 ", 0.5],
    [".5", 0.5],
    ["5.", 5],
    ["-1.5", -1.5],
    ["−1.5", -1.5],
    ["–1.5", -1.5],
    ["－1.5", -1.5],
    ["- 1.5", -1.5],
    ["+2", 2],
    ["1,5", 1.5],
    ["−,5", -0.5],
    ["３.５", 3.5],
    ["≈ 0.69", 0.69],
    ["= 2", 2],
  ])
    reads(typed, value);
});

test("thousands may be separated as anyone does it", () => {
  for (const typed of ["300000", "300 000", "300\u202f000", "300\u00a0000", "300'000", "300’000"])
    reads(typed, 300000);
  for (const typed of ["300,000", "300.000", "300_000"]) readsAmong(typed, 300000);
  for (const typed of ["1,234,567", "1.234.567", "1 234 567", "12,34,567"]) reads(typed, 1234567);
  for (const typed of ["1,234.5", "1.234,5", "1 234.5", "1 234,5", "1'234.5"])
    reads(typed, 1234.5);
});

test("a comma or a point before three digits may be either", () => {
  for (const typed of ["10,002", "10.002"]) {
    readsAmong(typed, 10002);
    readsAmong(typed, 10.002);
  }
  reads("0,125", 0.125); // no group of thousands begins with 0
  reads("0.125", 0.125);
  reads("1234,567", 1234.567);
  reads("10,02", 10.02);
});

test("an exponent may be written in all the usual ways", () => {
  for (const typed of ["1e4", "1E4", "1e+4", "1.0e4", "10^4", "10**4", "10⁴", "1×10^4", "1 × 10⁴"])
    reads(typed, 1e4);
  for (const typed of ["1·10^4", "1 x 10^4", "1*10**4", "100^2"]) reads(typed, 1e4);
  for (const typed of ["-2.5e-3", "−2,5e-3", "-2.5 · 10⁻³"]) reads(typed, -0.0025);
  reads("2^10", 1024);
});

test("a fraction is what it stands for", () => {
  for (const typed of ["1/2", "1 / 2", "½", "1⁄2", "1∕2", "2/4", "0.5/1"]) reads(typed, 0.5);
  for (const typed of ["-1/32", "−1/32"]) reads(typed, -1 / 32);
  for (const typed of ["1 1/3", "1⅓", "4/3"]) reads(typed, 4 / 3);
  assert.ok(readings("1,000/3").includes(1000 / 3));
});

test("the unit that is asked for may stand at the end", () => {
  for (const typed of ["0.69 nats", "0.69nats", "0.69 nat", "0.69 Nats."])
    reads(typed, 0.69, "nats");
  for (const typed of ["3.1 bits/dim", "3.1 bit/dim"]) reads(typed, 3.1, "bits/dim");
  reads("39 thousand", 39, "thousand");
  reads("10 002 draws", 10002, "draws");
  assert.equal(readings("0.69 bits", "nats"), undefined);
  assert.equal(readings("50 %", "nats"), undefined);
  assert.deepEqual(readings("3 samples"), []);
});

test("per cent is a hundredth of what has no unit, and a unit where it is asked for", () => {
  for (const typed of ["12.5%", "12.5 %", "12,5 %", "12.5 percent", "12.5 per cent"])
    reads(typed, 0.125);
  for (const typed of ["12.5", "12.5 %", "12.5 percent"]) reads(typed, 12.5, "%");
});

test("what is no number is none", () => {
  for (const typed of [
    "",
    " ",
    "-",
    ".",
    ",",
    "e4",
    "about 2",
    "two",
    "1 2",
    "1,2,3",
    "1.2.3",
    "1,,000",
    "12,3456,789",
    "1/0",
    "1/",
    "/2",
    "1/2/3",
    "--1",
    "1-2",
    "0x10",
    "NaN",
    "Infinity",
    "1e999",
    "10,02.5",
  ])
    assert.deepEqual(readings(typed), [], typed);
});
