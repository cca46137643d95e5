// Sets formulas as MathJax does in a browser, for formulas.py: first writes the style of all, as a
// line of JSON; then answers each line of stdin, a list of [TeX, displayed], by a list of HTML.
// Run as: node formulas.mjs MATHJAX SETTINGS (a folder; what the pages give to MathJax, as JSON)

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, settings] = process.argv.slice(2);
const mathjax = createRequire(import.meta.url)(`${folder}/es5/node-main.js`);
const { tex } = JSON.parse(settings);
const MathJax = await mathjax.init({
  loader: { load: ["input/tex-full", "output/svg"] },
  tex: { ...tex, packages: { "[+]": ["boldsymbol"] } },
  svg: { fontCache: "none" }, // the page has each glyph once (formulas.py)
});
const { adaptor } = MathJax.startup;
const WIDE = 30; // ex, about 240 pixels: from here on a formula in a sentence may need to scroll
// As MathJax's own extension has it: seen by nobody, read out by a screen reader.
const HIDDEN = `mjx-assistive-mml { position: absolute !important; top: 0; left: 0; padding: 1px 0 0;
  border: 0; display: block !important; width: auto !important; overflow: hidden !important;
  clip: rect(1px, 1px, 1px, 1px); user-select: none; }
mjx-assistive-mml[display="block"] { width: 100% !important; }
mjx-container { position: relative; }`;
console.log(JSON.stringify(`${adaptor.textContent(MathJax.svgStylesheet())}\n${HIDDEN}\n`));

// Few elements are soon laid out: groups that only name what they hold go, and what stands alone in
// a group takes its place.
const flatten = (parent) => {
  for (const child of [...adaptor.childNodes(parent)]) {
    if (adaptor.kind(child) === "#text") continue;
    flatten(child);
    const held = adaptor.childNodes(child);
    adaptor.removeAttribute(child, "data-mml-node");
    const names = adaptor.allAttributes(child).map(({ name }) => name);
    const isEmpty = adaptor.kind(child) === "path" && !adaptor.getAttribute(child, "d");
    if (isEmpty || (adaptor.kind(child) === "g" && !held.length)) adaptor.remove(child);
    else if (adaptor.kind(child) === "g" && !names.length) {
      for (const each of [...held]) adaptor.insert(each, child);
      adaptor.remove(child);
    } else if (adaptor.kind(child) === "g" && `${names}` === "transform" && held.length === 1) {
      const [only] = held;
      if (adaptor.getAttribute(only, "transform")) continue;
      adaptor.setAttribute(only, "transform", adaptor.getAttribute(child, "transform"));
      adaptor.replace(only, child);
    }
  }
};

const set = ([source, display]) => {
  const container = MathJax.tex2svg(source, { display });
  const mml = MathJax.tex2mml(source, { display }).replace(/\n\s*/g, "");
  if (mml.includes("<merror")) throw new Error(`MathJax cannot read ${source}`);
  const svg = adaptor.firstChild(container);
  adaptor.setAttribute(svg, "aria-hidden", "true");
  if (adaptor.kind(adaptor.firstChild(svg)) === "defs") adaptor.remove(adaptor.firstChild(svg));
  flatten(adaptor.firstChild(svg));
  const isWide = Number.parseFloat(adaptor.getAttribute(svg, "width")) > WIDE;
  if (display || isWide) adaptor.setAttribute(container, "tabindex", "0"); // it may scroll
  const spoken = `<mjx-assistive-mml unselectable="on" display="${display ? "block" : "inline"}">${mml}</mjx-assistive-mml>`;
  return adaptor.outerHTML(container).replace(/<\/mjx-container>$/, `${spoken}</mjx-container>`);
};
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = JSON.parse(line).map(set);
  } catch (error) {
    answer = { error: error.message };
  }
  console.log(JSON.stringify(answer));
}
