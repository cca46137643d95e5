import assert from "node:assert/strict";
import test from "node:test";

import { rgb } from "../../../dgm_core/live/web/cloud.js";
import { LEFT, SIDE, scales, TOP, ticks } from "../../../dgm_core/live/web/frame.js";
import { inked } from "../../../dgm_core/live/web/ink.js";
import { centred } from "../../../dgm_core/live/web/pad.js";
import { middles } from "../../../dgm_core/live/web/plane.js";
import { stepsNext } from "../../../dgm_core/live/web/player.js";
import { judge, pieces } from "../../../dgm_core/live/web/quiz.js";

test("ink is dark on white paper, clamped, and red where it is no number", () => {
  const colors = inked([0, 1, 0.5, 7, -3, Number.NaN], [1, 1, 2, 3]);
  const pixel = (i) => Array.from(colors.slice(4 * i, 4 * i + 4));
  const grey = (shade) => [shade, shade, shade, 255];
  assert.deepEqual([0, 1, 2, 3, 4].map(pixel), [255, 0, 128, 0, 255].map(grey));
  assert.deepEqual(pixel(5), [200, 0, 0, 255]);
});

test("images stand side by side, row by row", () => {
  // Two rows of two images of 1 by 2 pixels each: every number one step darker than the last.
  const values = Array.from({ length: 8 }, (_, i) => i / 255);
  const colors = inked(values, [2, 2, 1, 2]);
  const shades = Array.from({ length: 8 }, (_, i) => 255 - colors[4 * i]);
  assert.deepEqual(shades, [0, 1, 2, 3, 4, 5, 6, 7]);
  const stacked = inked(
    [0, 1, 2, 3].map((i) => i / 255),
    [2, 1, 2, 1],
  );
  assert.deepEqual(
    [0, 4, 8, 12].map((at) => 255 - stacked[at]),
    [0, 1, 2, 3],
  );
  const tall = inked(values, [1, 2, 2, 2]); // the second image lies to the right of the first
  assert.deepEqual(
    Array.from({ length: 8 }, (_, i) => 255 - tall[4 * i]),
    [0, 1, 4, 5, 2, 3, 6, 7],
  );
});

test("a drawing is moved until its centre of mass is the centre", () => {
  const ink = new Float32Array(28 * 28);
  ink[2 * 28 + 3] = 1;
  const moved = centred(ink);
  assert.equal(moved[14 * 28 + 14], 1);
  assert.equal(
    moved.reduce((a, b) => a + b),
    1,
  );
  const empty = new Float32Array(28 * 28);
  assert.equal(centred(empty), empty);
});

test("the frame has its centre at 0 and its upper edge at the extent", () => {
  const { toX, toY } = scales(3);
  assert.deepEqual([toX(-3), toX(0), toX(3)], [LEFT, LEFT + SIDE / 2, LEFT + SIDE]);
  assert.deepEqual([toY(3), toY(-3)], [TOP, TOP + SIDE]);
});

test("an axis has the whole numbers, with a true minus", () => {
  assert.deepEqual(
    ticks(1.5).map(([, text]) => text),
    ["−1", "0", "1"],
  );
});

test("a small axis has its own numbers, a long one not too many", () => {
  const words = (extent) => ticks(extent).map(([, text]) => text);
  assert.deepEqual(words(3), ["−3", "−2", "−1", "0", "1", "2", "3"]);
  assert.deepEqual(words(0.001), ["−0.001", "−0.0005", "0", "0.0005", "0.001"]);
  assert.deepEqual(words(0.5), ["−0.4", "−0.2", "0", "0.2", "0.4"]);
  assert.deepEqual(words(25), ["−20", "−10", "0", "10", "20"]);
});

test("a class's digit stands at the median of its points", () => {
  const points = [0, 0, 9, 1, 1, 9, 5, 5];
  assert.deepEqual(middles(points, Uint8Array.of(3, 3, 3, 7)), [
    ["3", 1, 1],
    ["7", 5, 5],
  ]);
});

test("a player takes the steps that fit, at most twice as many as before, at least one", () => {
  assert.equal(stepsNext(10, 1, "browser"), 12);
  assert.equal(stepsNext(3, 1, "browser"), 6);
  assert.equal(stepsNext(10, 100, "browser"), 1);
  assert.equal(stepsNext(500, 0.001, "browser"), 200);
  assert.equal(stepsNext(50, 1, "kernel"), 60);
});

test("a colour in three numbers", () => assert.deepEqual(rgb("#0072b2"), [0, 0x72, 0xb2]));

test("a text is in pieces: mathematics, emphasis, code and the rest", () => {
  assert.deepEqual(
    pieces("Is $a * b$ *not* `x`?").filter(([, words]) => words),
    [
      ["text", "Is "],
      ["math", "a * b"],
      ["text", " "],
      ["em", "not"],
      ["text", " "],
      ["code", "x"],
      ["text", "?"],
    ],
  );
  assert.deepEqual(pieces("2 * 3 costs 5 $"), [["text", "2 * 3 costs 5 $"]]);
});

const question = { question: "?", choices: [], answer: -1.5, tolerance: 0.01, unit: "", why: "w" };

test("a number is right within its tolerance, however its sign and point are typed", () => {
  for (const given of ["-1.5", "−1,5", " -1.509 ", "-1.491"])
    assert.deepEqual(judge(given, question), ["right", "✓ Right.", "w"]);
  for (const given of ["1.5", "-1.52"]) assert.equal(judge(given, question)[0], "wrong");
});

test("a number is right however its thousands are separated, and with its unit", () => {
  const many = { ...question, answer: 10002, tolerance: 0.5, unit: "draws" };
  for (const given of ["10002", "10,002", "10 002", "10.002", "1.0002e4", "10,002 draws"])
    assert.equal(judge(given, many)[0], "right", given);
  assert.equal(judge("10.02", many)[0], "wrong");
  const third = { ...question, answer: 4 / 3, tolerance: 0.01, unit: "nats" };
  for (const given of ["1.333", "1,333", "4/3", "1.33 nats"])
    assert.equal(judge(given, third)[0], "right", given);
  assert.deepEqual(judge("1.92 bits", third), ["none", "Give the number in nats."]);
  assert.equal(judge("12.5%", { ...question, answer: 0.125 })[0], "right");
});

test("what is no answer is not judged", () => {
  for (const given of ["", " "])
    assert.deepEqual(judge(given, question), ["none", "Type a number first."]);
  assert.deepEqual(judge("about 2", question), ["none", "That is not a number."]);
  const choices = { ...question, choices: ["a", "b"], answer: 1, tolerance: 0 };
  assert.deepEqual(judge(null, choices), ["none", "Choose an answer first."]);
  assert.equal(judge("1", choices)[0], "right");
  assert.equal(judge("0", choices)[0], "wrong");
});
