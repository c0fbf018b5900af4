// Opens pages in a real browser and reports, as JSON, what a reader would stumble over.
//
//   node pages.js <chromium> <base address> <path>...
//
// Each path is looked at 360 and 1280 pixels wide by axe, and at 320 for sideways scroll and small targets;
// then a visit without JavaScript goes from the home page by search to a record.
"use strict";

const path = require("node:path");
const { createRequire } = require("node:module");

const installed = createRequire(path.join(__dirname, "../../clients/package.json"));
const { chromium } = installed("playwright-core");
const axe = installed("axe-core");

const QUIET = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const SMALLEST_TARGET = 24; // CSS pixels, WCAG 2.2 2.5.8

async function violations(page) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

async function narrow(page) {
  return page.evaluate((smallest) => {
    const root = document.documentElement;
    const inText = (link) => ["P", "TD", "DD", "SMALL", "LI"].includes(link.parentElement.tagName);
    const small = [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")].filter((each) => {
      const box = each.getBoundingClientRect();
      const shown = box.width > 1 && box.height > 1;
      return shown && !inText(each) && !each.closest("label") && Math.min(box.width, box.height) < smallest;
    });
    return {
      scroll: root.scrollWidth,
      client: root.clientWidth,
      small: small.map((each) => each.outerHTML.slice(0, 120)),
      direction: getComputedStyle(document.body).direction,
    };
  }, SMALLEST_TARGET);
}

async function looked(browser, base, where) {
  const report = { path: where, violations: [], foreign: [], errors: [] };
  for (const width of [360, 1280]) {
    const context = await browser.newContext({ viewport: { width, height: 900 } });
    const page = await context.newPage();
    page.on("request", (each) => each.url().startsWith(base) || report.foreign.push(each.url()));
    page.on("pageerror", (error) => report.errors.push(String(error)));
    page.on("console", (message) => message.type() === "error" && report.errors.push(message.text()));
    const answer = await page.goto(base + where);
    report.status = answer.status();
    report.violations.push(...(await violations(page)).map((each) => `${width}: ${each}`));
    report.cookies = (await context.cookies()).length;
    await page.setViewportSize({ width: 320, height: 900 });
    Object.assign(report, await narrow(page));
    await context.close();
  }
  return report;
}

async function withoutScript(browser, base) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${base}fr/`);
  await page.keyboard.press("Tab");
  const first = await page.locator(":focus").getAttribute("href");
  await page.getByRole("searchbox").fill("PCB");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/fr\/records\?q=PCB/);
  const found = await page.locator(".entries > li").count();
  await page.locator(".filters details[open] input").first().check();
  await page.locator(".filters button").click();
  await page.waitForURL(/(type|country)=/);
  const filtered = await page.locator(".entries > li").count();
  await page.locator(".entries a").first().click();
  const title = await page.locator("h1").innerText();
  await page.locator(".switch a[hreflang=ar]").click();
  const direction = await page.locator("html").getAttribute("dir");
  await context.close();
  return { first, found, filtered, title, direction, path: new URL(page.url()).pathname };
}

async function main() {
  const [executablePath, base, ...paths] = process.argv.slice(2);
  const browser = await chromium.launch({ executablePath, args: QUIET });
  try {
    const pages = [];
    for (const each of paths) pages.push(await looked(browser, base, each));
    console.log(JSON.stringify({ pages, visit: await withoutScript(browser, base) }));
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
