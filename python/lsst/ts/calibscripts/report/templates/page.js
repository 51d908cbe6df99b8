"use strict";
(() => {
  const number = (text) => { const n = parseFloat(text); return Number.isNaN(n) ? -Infinity : n; };

  // Tables that sort and filter.
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const key = (row) => row.cells[column].textContent;
        const order = head.dataset.numeric === "true"
          ? (a, b) => number(key(a)) - number(key(b)) : (a, b) => key(a).localeCompare(key(b), "en", { numeric: true });
        body.append(...[...body.rows].sort((a, b) => (down ? -1 : 1) * order(a, b)));
      });
    });
    const tools = table.closest(".filterable").querySelector(".tools");
    const words = tools.querySelector("input[type=search]"), only = tools.querySelector("input[type=checkbox]");
    const count = tools.querySelector("output");
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of body.rows) {
        const text = [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase();
        row.hidden = !(wanted.every((word) => text.includes(word)) && (!only || !only.checked || row.dataset.failed === "true"));
        shown += row.hidden ? 0 : 1;
      }
      count.value = `${shown} of ${body.rows.length} rows`;
    };
    words.addEventListener("input", filter);
    if (only) only.addEventListener("change", filter);
    filter();
  }

  // Copying; a live page replaces its parts, and their buttons with them.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
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
  for (const section of document.querySelectorAll("section.verification")) {
    const source = section.querySelector("script[type='application/gzip']");
    if (!source) continue;
    const select = section.querySelector("select"), place = section.querySelector(".matrices");
    let unpacking = null;  // Until somebody asks.
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
    const show = async (name) => {
      const data = await (unpacking ??= unpacked(source.textContent));
      const detector = data.detectors.indexOf(name);
      if (detector < 0) return;
      select.value = name;
      const made = data.tests.map((test) => matrix(data, test, detector));
      made.sort(([a], [b]) => (a === 0) - (b === 0));
      place.replaceChildren(...made.map(([, details]) => details));
    };
    select.addEventListener("change", () => show(select.value));
    section.addEventListener("click", (event) => {
      const chosen = event.target.closest("[data-detector]");
      if (!chosen) return;
      show(chosen.dataset.detector);
      select.scrollIntoView({ block: "center" });
      select.focus();
    });
  }

  // Everything is open on paper.
  addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("details:not(.screen)")) details.open = true; });
})();
