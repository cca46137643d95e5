// A button that counts its clicks: live.Button.

import { make, view } from "./common.js";

/**
 * @typedef {{ description: string, clicks: number }} Traits
 * @param {import("./types").Context<Traits>} context
 */
function button({ model, el }) {
  const element = make(
    "button",
    { type: "button", className: "dgm-button" },
    model.get("description"),
  );
  element.addEventListener("click", () => {
    model.set("clicks", model.get("clicks") + 1);
    model.save_changes();
  });
  el.append(element);
}

export default view("button", button);
