// Firefox for engines.py: reads commands from stdin, each a line [name, argument] of JSON, and
// answers each with a line {value} or {error}. It ends when stdin does, and Firefox with it.
// Run as: node firefox.mjs EXECUTABLE MILLISECONDS (after which what has not come is given up)

import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const OUTSIDE = /^(?!file:|data:|blob:|about:|https?:\/\/127\.0\.0\.1[:/])/;
const [executablePath, milliseconds] = process.argv.slice(2);
const patience = Number(milliseconds);
const nowhere = { "network.proxy.type": 1, "network.proxy.no_proxies_on": "127.0.0.1" };
for (const kind of ["http", "ssl"]) {
  nowhere[`network.proxy.${kind}`] = "127.0.0.1";
  nowhere[`network.proxy.${kind}_port`] = 9; // "discard": nothing listens there
}

// Said where a page is laid out when half a fraction has come: by the network, not by the page.
// engine_checks counts the children when all is there.
const PASSING = /^Invalid markup: Incorrect number of children for <m\w+\/> tag\.$/;

let page;
let problems;

const commands = {
  async open(url) {
    await page?.close();
    page = await browser.newPage();
    page.setDefaultTimeout(patience);
    await page.setViewport({ width: 1280, height: 900 });
    const found = (problems = []);
    page.on("pageerror", ({ message }) => {
      if (!PASSING.test(message)) found.push(`page error: ${message}`);
    });
    page.on("console", (message) => {
      if (message.type() === "error") found.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      if (OUTSIDE.test(request.url())) found.push(`outside request: ${request.url()}`);
    });
    page.on("requestfailed", (request) => {
      found.push(`failed: ${request.url()} (${request.failure()?.errorText})`);
    });
    page.on("response", (response) => {
      if (response.status() >= 400) found.push(`status ${response.status()}: ${response.url()}`);
    });
    await page.goto(url, { waitUntil: "load" });
  },

  evaluate: (expression) => page.evaluate(expression),

  press: (key) => page.keyboard.press(key),

  // Tells whether Firefox's own accessibility tree has this role and name for what has the focus.
  // It is asked about the focus's surroundings alone: over a page with formulas the question takes
  // a minute where another process keeps a core busy.
  async announces([role, name]) {
    const near = await page.$(":has(> * > :focus)");
    for (const element of await near.$$(`aria/${name}[role="${role}"]`))
      if (await element.evaluate((node) => node === document.activeElement)) return true;
    return false;
  },

  problems: () => problems,
};

const answer = (object) => process.stdout.write(JSON.stringify(object) + "\n");
const words = (error) => String(error?.message ?? error);

let browser;
try {
  browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    timeout: patience,
    protocolTimeout: patience,
    extraPrefsFirefox: nowhere,
  });
  answer({ value: await browser.version() });
} catch (error) {
  answer({ error: words(error) });
  process.exit(1);
}
try {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, argument] = JSON.parse(line);
    try {
      answer({ value: (await commands[name](argument)) ?? null });
    } catch (error) {
      answer({ error: words(error) });
    }
  }
} finally {
  await browser.close();
}
process.exit(0);
