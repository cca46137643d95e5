// A question that checks itself: live.quiz.

import { make, view } from "./common.js";
import { readings } from "./numbers.js";

/**
 * @typedef {{ question: string, choices: string[], answer: number, tolerance: number,
 *   unit: string, why: string }} Question
 * @typedef {{ _question: Question, given: string | null }} Traits
 */

/**
 * A text in pieces: *emphasis*, `code`, $math$, and everything else, which is text.
 *
 * @param {string} text
 * @returns {["math" | "em" | "code" | "text", string][]}
 */
export function pieces(text) {
  return text.split(/(\$[^$]+\$|\*[^*]+\*|`[^`]+`)/).map((part) => {
    if (/^\$.+\$$/.test(part)) return ["math", part.slice(1, -1)];
    if (/^\*.+\*$/.test(part)) return ["em", part.slice(1, -1)];
    if (/^`.+`$/.test(part)) return ["code", part.slice(1, -1)];
    return ["text", part];
  });
}

/** @param {string} text */
function prose(text) {
  const element = make("span", { className: "tex2jax_process" });
  for (const [kind, words] of pieces(text)) {
    if (kind === "math") element.append(globalThis.dgmFormula?.(words) ?? `\\(${words}\\)`);
    else if (kind === "text") element.append(words);
    else element.append(make(kind, {}, words));
  }
  return element;
}

/**
 * What is said to an answer: the kind of verdict, its words, and what explains it.
 *
 * @param {string | null} given what the form holds; null where no choice is made
 * @param {Question} question
 * @returns {[kind: "none" | "right" | "wrong", words: string, detail?: string]}
 */
export function judge(given, { choices, answer, tolerance, unit, why }) {
  if (given === null || given.trim() === "")
    return ["none", choices.length ? "Choose an answer first." : "Type a number first."];
  const values = choices.length ? [Number(given)] : readings(given, unit);
  if (!values) return ["none", `Give the number in ${unit}.`];
  if (!values.length) return ["none", "That is not a number."];
  if (values.some((value) => Math.abs(value - answer) <= tolerance))
    return ["right", "✓ Right.", why];
  return [
    "wrong",
    "✗ Not yet.",
    choices.length ? "Think again, then try another." : "Think again; mind the sign and the unit.",
  ];
}

/**
 * Set the formulas of an element that are not set already (a book's, with its pages): JupyterLab's
 * own way, or MathJax's, which measures what is around them, so the element must be on the page first.
 *
 * @param {HTMLElement} element
 * @param {import("./types").Manager} manager
 */
async function typeset(element, manager) {
  if (globalThis.dgmFormula) return;
  const lab = manager._rendermime?.latexTypesetter;
  for (
    let tries = 0;
    tries < 100 && !(element.isConnected && (lab ?? globalThis.MathJax?.typesetPromise));
    tries++
  )
    await new Promise((ok) => setTimeout(ok, 100));
  if (lab) return lab.typeset(element);
  await globalThis.MathJax?.startup?.promise;
  if (element.isConnected) await globalThis.MathJax?.typesetPromise?.([element]);
}

/** @param {import("./types").Context<Traits>} context */
function quiz({ model, el }) {
  const asked = model.get("_question");
  const { question, choices, unit } = asked;
  const name = `dgm-quiz-${Math.random().toString(36).slice(2)}`;
  const form = make("form", { className: "dgm-quiz" });
  const fields = make("fieldset", {}, make("legend", {}, prose(question)));
  choices.forEach((choice, i) => {
    fields.append(
      make("label", {}, make("input", { type: "radio", name, value: String(i) }), prose(choice)),
    );
  });
  if (!choices.length)
    fields.append(
      make(
        "label",
        {},
        "Your answer ",
        make("input", { type: "text", inputMode: "decimal", name, size: 8, autocomplete: "off" }),
        unit ? ` ${unit}` : "",
      ),
    );
  const verdict = make("div", { role: "status", className: "dgm-verdict" });
  form.append(
    fields,
    make("button", { type: "submit", className: "dgm-button" }, "Check"),
    verdict,
  );
  // What was checked last is a trait: another view of the question shows it, too.
  const say = () => {
    const given = model.get("given");
    const [kind, words, detail] = judge(given, asked);
    verdict.dataset.verdict = kind;
    verdict.replaceChildren(make("strong", {}, words), ...(detail ? [" ", prose(detail)] : []));
    typeset(verdict, model.widget_manager);
    for (const input of fields.querySelectorAll("input"))
      if (input.type === "radio") input.checked = input.value === given;
      else input.value = given ?? "";
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = /** @type {string | null} */ (new FormData(form).get(name));
    if (given === model.get("given")) return say();
    model.set("given", given);
    model.save_changes();
  });
  model.on("change:given", say);
  if (model.get("given") !== null) say();
  el.append(form);
  typeset(form, model.widget_manager);
}

export default view("quiz", quiz);
