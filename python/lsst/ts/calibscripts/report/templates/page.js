"use strict";
(() => {
  const number = (text) => { const n = parseFloat(text); return Number.isNaN(n) ? -Infinity : n; };

  // A live page changes its parts: the document listens for what is done to them.
  const on = (event, selector, act) => document.addEventListener(event, (happened) => {
    const found = happened.target.closest(selector);
    if (found) act(found);
  });

  // Tables that sort and filter.
  on("click", "table.sortable thead button", (button) => {
    const head = button.closest("th"), table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => row.cells[column].textContent;
    const order = head.dataset.numeric === "true"
      ? (a, b) => number(key(a)) - number(key(b)) : (a, b) => key(a).localeCompare(key(b), "en", { numeric: true });
    body.append(...[...body.rows].sort((a, b) => (down ? -1 : 1) * order(a, b)));
  });
  on("input", ".filterable", (filterable) => {
    const { rows } = filterable.querySelector("table").tBodies[0], only = filterable.querySelector("input[type=checkbox]");
    const wanted = filterable.querySelector("input[type=search]").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !(wanted.every((word) => text.includes(word)) && (!only?.checked || row.dataset.failed === "true"));
      shown += row.hidden ? 0 : 1;
    }
    filterable.querySelector("output").value = `${shown} of ${rows.length} rows`;
  });

  // Copying.
  on("click", "button.copy", async (button) => {
    const text = button.parentElement.querySelector("pre");
    try { await navigator.clipboard.writeText(text.textContent); }
    catch {
      const range = document.createRange();
      range.selectNodeContents(text);
      getSelection().removeAllRanges(); getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });

  // The matrices of any detector, from the packed statistics.
  const unpacked = (text) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  };
  const styles = ["none", "failed", "passed", "noted"], marks = ["–", "✗", "✓", "△"];
  const element = (name, text, attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const matrix = (data, test, detector) => {
    const n = data.amplifiers.length;
    let failed = 0, total = 0;
    const rows = data.exposures.map((exposure, e) => {
      const row = document.createElement("tr");
      row.append(element("th", exposure, { scope: "row" }));
      data.amplifiers.forEach((_, a) => {
        const index = (e * data.detectors.length + detector) * n + a;
        const outcome = Number(test.outcomes[index]);
        const value = test.values?.[index]?.toFixed(test.decimals) ?? "";
        failed += outcome === 1; total += outcome !== 0;
        const text = outcome === 1 || outcome === 3 ? `${marks[outcome]} ${value}`.trim() : value || marks[outcome];
        row.append(element("td", text, { class: styles[outcome] }));
      });
      return row;
    });
    const table = document.createElement("table"), head = document.createElement("tr"), body = document.createElement("tbody");
    table.className = "matrix";
    head.append(element("th", "exposure", { scope: "col" }), ...data.amplifiers.map((name) => element("th", name, { scope: "col" })));
    table.append(element("caption", `${data.detectors[detector]} ${test.name}${test.unit ? ` [${test.unit}]` : ""}`));
    const tableHead = document.createElement("thead");
    tableHead.append(head);
    body.append(...rows);
    table.append(tableHead, body);
    const details = document.createElement("details"), summary = element("summary", `${test.name}: ${failed} of ${total} failed${test.limit ? `; limit: ${test.limit}` : ""}`);
    const scroll = document.createElement("div");
    scroll.className = "scroll"; scroll.tabIndex = 0; scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `${data.product} ${test.name} of ${data.detectors[detector]}`);
    scroll.append(table);
    details.append(summary, scroll);
    details.open = failed > 0;
    return [failed, details];
  };
  const kept = new WeakMap();  // Unpacked when somebody asks.
  const show = async (section, name) => {
    const source = section.querySelector("script[type='application/gzip']");
    if (!source) return;
    if (!kept.has(source)) kept.set(source, unpacked(source.textContent));
    const data = await kept.get(source), detector = data.detectors.indexOf(name);
    if (detector < 0) return;
    section.querySelector("select").value = name;
    const made = data.tests.map((test) => matrix(data, test, detector));
    made.sort(([a], [b]) => (a === 0) - (b === 0));
    section.querySelector(".matrices").replaceChildren(...made.map(([, details]) => details));
  };
  on("change", "section.verification select", (select) => show(select.closest("section"), select.value));
  on("click", "section.verification [data-detector]", (chosen) => {
    const section = chosen.closest("section"), select = section.querySelector("select");
    show(section, chosen.dataset.detector);
    select.scrollIntoView({ block: "center" });
    select.focus();
  });

  // Everything is open on paper.
  addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details:not(.screen)")) details.open = true; });
})();
