// A figure that fills the screen: how large it is, and which key asks for it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isAsked, scaleOf, widthOf } from "../../../dgm_core/live/web/full.js";

test("a figure grows until it is as wide or as high as the screen, or two and a half times", () => {
  assert.equal(widthOf(1920), 736);
  assert.equal(scaleOf([1920, 1080], 500), (1080 - 32) / 500);
  assert.equal(scaleOf([1280, 2000], 300), (1280 - 32) / 736);
  assert.equal(scaleOf([3840, 2160], 400), 2.5);
});

test("on a telephone it is as wide as the screen, never smaller than on the page", () => {
  assert.equal(widthOf(390), 358);
  assert.equal(scaleOf([390, 844], 1200), 1);
  assert.equal(scaleOf([1280, 720], 2000), 1);
  assert.equal(scaleOf([1280, 720], 0), 1248 / 736);
});

test("the key f asks for it, but not with another key, nor where one types", () => {
  const press = (key, target, more) => isAsked({ key, target, ...more });
  const element = { nodeName: "DIV" };
  assert.equal(press("f", element), true);
  assert.equal(press("F", element), true);
  assert.equal(press("g", element), false);
  for (const held of ["ctrlKey", "metaKey", "altKey"])
    assert.equal(press("f", element, { [held]: true }), false);
  for (const nodeName of ["TEXTAREA", "SELECT"]) assert.equal(press("f", { nodeName }), false);
  assert.equal(press("f", { nodeName: "INPUT", type: "text" }), false);
  assert.equal(press("f", { nodeName: "INPUT", type: "radio" }), true);
  assert.equal(press("f", { nodeName: "DIV", isContentEditable: true }), false);
});
