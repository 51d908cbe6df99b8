"use strict";
(() => {
  // The page follows what it shows: the server says when it has changed, and the parts that differ are replaced.
  const source = document.getElementById("source"), connection = document.getElementById("connection");
  if (!source || !source.dataset.events) return;
  let shown = source.dataset.version, wanted = shown, busy = false;

  const state = (element) => ({
    open: [...element.querySelectorAll("details")].map((each) => each.open),
    scrolled: [...element.querySelectorAll(".scroll, pre")].map((each) => [each.scrollLeft, each.scrollTop]),
  });
  const restore = (element, { open, scrolled }) => {
    element.querySelectorAll("details").forEach((each, place) => { if (open[place] !== undefined) each.open = open[place]; });
    element.querySelectorAll(".scroll, pre").forEach((each, place) => {
      if (scrolled[place]) [each.scrollLeft, each.scrollTop] = scrolled[place];
    });
  };
  const typing = (element) => element.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  const place = (element) => element.id || element.tagName;

  const parts = (page) => new Map([...page.querySelectorAll("body > header, body > #sections, main > [id]")].map((each) => [place(each), each]));
  const replace = (page) => {
    const old = parts(document), fresh = parts(page), before = document.getElementById("source");
    let last = null;
    for (const [name, element] of fresh) {
      const present = old.get(name);
      if (!present) {
        if (last && last.parentElement.tagName === "MAIN") last.after(element);
        else document.querySelector("main").prepend(element);
        last = element;
        continue;
      }
      last = present;
      if (typing(present) || present.outerHTML === element.outerHTML) continue;
      const kept = state(present), focused = present.contains(document.activeElement) ? document.activeElement : null;
      const links = focused ? [...present.querySelectorAll("a, button, summary, [tabindex]")].indexOf(focused) : -1;
      present.replaceWith(element);
      restore(element, kept);
      if (links >= 0) element.querySelectorAll("a, button, summary, [tabindex]")[links]?.focus();
      last = element;
    }
    for (const [name, element] of old) if (!fresh.has(name) && !typing(element)) element.remove();
    document.title = page.title;
    before.dataset.version = page.getElementById("source").dataset.version;
  };

  const follow = async () => {
    if (busy || shown === wanted) return;
    busy = true;
    const version = wanted;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // A report has parts that are brought to life when the page is loaded.
      if (!version.endsWith("-report")) { replace(page); shown = version; }
      // Whoever is writing a reason is not interrupted.
      else if (!typing(document.body)) { location.reload(); return; }
    } catch { connection.textContent = "Not connected: this page is not up to date."; }
    busy = false;
    setTimeout(follow, 500);
  };

  const stream = new EventSource(source.dataset.events);
  stream.onopen = () => { connection.textContent = "Live"; };
  stream.onerror = () => { connection.textContent = "Not connected: this page is not up to date."; };
  stream.onmessage = (message) => { wanted = message.data; follow(); };
  addEventListener("pagehide", () => stream.close());
})();
