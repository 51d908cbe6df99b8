// node drive.mjs CHROMIUM PAGE PROFILE TASKS ANSWERS: what a user sees of each form, and the YAML it makes.
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, pageFile, profile, tasksFile, answersFile] = process.argv.slice(2);
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const fieldsShown = () =>
  Array.from(document.querySelectorAll("#form form > .form-group > fieldset > .form-group"), (field) => ({
    label: field.querySelector(".control-label, legend")?.innerText ?? "",
    text: field.innerText,
    checkBox: field.querySelector(":scope input[type=checkbox]") !== null,
  }));

async function answer(browser, { schema, data, click, fill, screenshot }) {
  const page = await browser.newPage();
  const requested = [], problems = [];
  page.on("request", (request) => requested.push(request.url()));
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(pathToFileURL(pageFile).href);
  await page.evaluate(([schema, data]) => window.showForm(schema, data), [schema, data]);
  await page.locator("#root_n_bias").waitFor();
  const fields = await page.evaluate(fieldsShown);
  for (const name of click) await page.locator(`#root_${name}`).click();
  for (const [name, text] of Object.entries(fill)) await page.locator(`#root_${name}`).fill(text);
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({ path: screenshot });
  const { yaml, errors } = await page.evaluate(() => ({ yaml: window.yaml, errors: window.errors }));
  await page.close();
  return { fields, yaml, errors, requested, problems };
}

const browser = await chromium.launchPersistentContext(profile, {
  executablePath, args, headless: true, viewport: { width: 900, height: 1000 }, timeout: 20000,
});
browser.setDefaultTimeout(10000);
try {
  const answers = {};
  for (const [name, task] of Object.entries(JSON.parse(readFileSync(tasksFile))))
    answers[name] = await answer(browser, task);
  writeFileSync(answersFile, JSON.stringify(answers));
} finally {
  await browser.close();
}
