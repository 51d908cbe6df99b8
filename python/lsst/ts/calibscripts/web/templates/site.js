"use strict";
(() => {
  // The page follows what it shows: the server says when it has changed, and what differs is changed where it stands, so
  // that nobody loses the place, the focus, a selection or what was written into a form.
  const source = document.getElementById("source"), connection = document.getElementById("connection");
  // A second press on the button would sign twice while a busy repository is waited for.
  const sent = new WeakSet();
  addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (sent.has(event.target)) event.preventDefault();
    sent.add(event.target);
    connection.textContent = "Being signed; a repository that others write to is waited for.";
  });
  if (!source || !source.dataset.events) return;
  let said = document.cloneNode(true);  // What the server said last, before any script changes it.
  let shown = source.dataset.version, wanted = shown, busy = false, stream = null;

  const key = (node) => node.id || node.dataset?.key || "";
  const alike = (one, other) => one.nodeName === other.nodeName && key(one) === key(other);
  // Which details are open is the reader's business.
  const own = (element, name) => element.nodeName === "DETAILS" && name === "open";
  const change = (present, fresh) => {
    if (present.nodeType !== Node.ELEMENT_NODE) {
      if (present.data !== fresh.data) present.data = fresh.data;
      return;
    }
    // Where the server says the same as before, what scripts and readers have made of it stays.
    if (fresh.id && said.getElementById(fresh.id)?.isEqualNode(fresh)) return;
    for (const { name } of [...present.attributes]) if (!fresh.hasAttribute(name) && !own(present, name)) present.removeAttribute(name);
    for (const { name, value } of fresh.attributes) if (present.getAttribute(name) !== value && !own(present, name)) present.setAttribute(name, value);
    let next = present.firstChild;
    for (const child of fresh.childNodes) {
      let known = next;
      // Only what has a name is looked for further on.
      while (known && key(child) && !alike(known, child)) known = known.nextSibling;
      if (!known || !alike(known, child)) { present.insertBefore(document.importNode(child, true), next); continue; }
      while (next !== known) { next = next.nextSibling; next.previousSibling.remove(); }
      change(known, child);
      next = known.nextSibling;
    }
    while (next) { const last = next; next = next.nextSibling; last.remove(); }
  };
  const update = (page) => {
    const link = document.activeElement?.getAttribute("href");
    change(document.body, page.body);
    document.title = page.title;
    said = page;
    // A run that has ended stands elsewhere.
    if (link && document.activeElement === document.body) document.querySelector(`a[href="${CSS.escape(link)}"]`)?.focus();
    for (const words of document.querySelectorAll("input[type=search]")) if (words.value) words.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const connected = () => { connection.textContent = "Live"; };
  const lost = () => { connection.textContent = "Not connected: this page is not up to date."; };
  const follow = async () => {
    if (busy || shown === wanted) return;
    busy = true;
    const version = wanted;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // A gateway may answer in the server's place.
      if (!page.getElementById("source")) throw new Error("not a page of this server");
      update(page);
      shown = version;
      connected();
    } catch { lost(); }
    busy = false;
    setTimeout(follow, 500);
  };
  const look = () => { shown = null; follow(); setTimeout(listen, 5000); };
  const listen = () => {
    // A run whose record is gone has no events; it may come back.
    if (!source.dataset.events) { look(); return; }
    stream = new EventSource(source.dataset.events);
    stream.onopen = connected;
    stream.onmessage = (message) => { wanted = message.data; follow(); };
    stream.onerror = () => {
      lost();
      // Another server may answer next: forms then need its token.
      shown = null;
      // What answered was no stream, and the browser does not ask again.
      if (stream.readyState === EventSource.CLOSED) look();
    };
  };
  listen();
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (again) => { if (again.persisted) location.reload(); });
})();
