// What the views share: how their elements are made, and what anywidget calls.

import { hear } from "./models.js";
/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} attributes properties of the element where it has them
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name in element && name !== "role") Object.assign(element, { [name]: value });
    else element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * The module of a view: `draw` fills the view's element, and may return what ends it.
 *
 * @template T traits of the widget
 * @param {string} name
 * @param {(context: import("./types").Context<T>) => void | (() => void)} draw
 */
export const view = (name, draw) => ({
  /** @param {import("./types").Context<T>} context */
  initialize({ model }) {
    hear(model);
  },
  /** @param {import("./types").Context<T>} context */
  render(context) {
    context.el.classList.add("dgm-view", `dgm-view-${name}`);
    return draw(context);
  },
});
