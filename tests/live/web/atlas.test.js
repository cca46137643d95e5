import assert from "node:assert/strict";
import test from "node:test";

import { along, dotsOf, enlarged, inkOf, inside } from "../../../dgm_core/live/web/atlas.js";

test("a line is enlarged through its own values, and comes out place by place", () => {
  const lines = [1, 1, 5, 5, 0, 2, 4, 6]; // two lines of four
  const large = enlarged(lines, 4, 3);
  assert.equal(large.length, 24);
  const at = (place) => [large[2 * place], large[2 * place + 1]];
  assert.deepEqual([1, 4, 7, 10].map(at), [
    [1, 0],
    [1, 2],
    [5, 4],
    [5, 6],
  ]);
  assert.ok(Math.abs(at(5)[1] - (2 + 2 / 3)) < 1e-6); // a straight line stays straight
});

test("ink is black, as opaque as its pixel is probable", () => {
  const colors = inkOf([0, 0, 0, 0], 2);
  assert.equal(colors.length, 4 * 16);
  assert.deepEqual([...colors.slice(0, 4)], [0, 0, 0, 128]);
  assert.deepEqual([inkOf([40], 1)[3], inkOf([-40], 1)[3]], [255, 0]);
});

test("rows stay rows", () => {
  const colors = inkOf([9, 9, -9, -9], 1); // ink above, paper below
  assert.deepEqual(
    [3, 7, 11, 15].map((i) => colors[i] > 128),
    [true, true, false, false],
  );
});

test("the ring stays off the edge, where a latent is infinite", () => {
  assert.deepEqual([-1, 0.3, 7].map(inside), [0.005, 0.3, 0.995]);
});

test("a walk begins and ends where it should, slowly, and passes its places", () => {
  const places = [
    [0, 0],
    [1, 0],
    [1, 1],
  ];
  assert.deepEqual(
    [0, 0.5, 1].map((share) => along(places, share)),
    places,
  );
  assert.ok(along(places, 0.05)[0] < 0.05 && along(places, 0.95)[1] > 0.95);
});

test("dots are those of one class, the square's upper edge at the top", () => {
  const codes = Uint16Array.of(0, 65535, 65535, 0, 13107, 13107);
  const labels = Uint8Array.of(3, 4, 3);
  assert.equal(dotsOf(codes, labels, 3, 100), "M0.0 0.0h0M20.0 80.0h0");
  assert.equal(dotsOf(codes, labels, 5, 100), "");
});
