// Keeps a page that says data-refresh up to date: fetches it again and changes what differs, so that focus, scrolling
// and what somebody opened stay as they are. Says how old the page is as soon as it is older than it should be.
(() => {
  const seconds = Number(document.documentElement.dataset.refresh);
  if (!seconds) return;
  const patience = Math.max(2 * seconds, 8) * 1000;
  const notice = document.getElementById("stale");
  let title = document.title;
  let icon = document.querySelector("link[rel=icon]").href;
  let asOf = Date.parse(document.getElementById("as-of").dateTime);
  let offset = Date.now() - asOf;
  let etag = "";
  let why = "";
  let running = false;

  const clock = () => new Date(asOf).toISOString().slice(11, 19);
  const age = () => Math.round((Date.now() - offset - asOf) / 1000);
  const length = (s) => (s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`);

  // The tab must not go on saying that all is well.
  const show = () => {
    const old = why !== "" || age() * 1000 > patience;
    notice.hidden = !old;
    if (old) {
      const text = `${why || "The server does not answer."} What you see is ${length(age())} old (${clock()} UTC).`;
      if (notice.textContent !== text) notice.textContent = text;
      notice.classList.toggle("old", true);
    }
    document.documentElement.classList.toggle("old", old);
    document.title = old ? `(${length(age())} old) ${title}` : title;
  };

  const same = (a, b) => a && b && a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.id === b.id;

  // Makes `old` what `fresh` is, node by node. Nodes with an id are found wherever they have gone.
  const morph = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      const opened = name === "open" && old.nodeName === "DETAILS";
      if (!fresh.hasAttribute(name) && !opened) old.removeAttribute(name);
    }
    const byId = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
    let place = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      let match = child.id ? byId.get(child.id) : null;
      if (!match && same(place, child)) match = place;
      if (!match) {
        old.insertBefore(document.importNode(child, true), place);
        continue;
      }
      if (match === place) place = place.nextSibling;
      else old.insertBefore(match, place);
      morph(match, child);
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  const take = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    const fresh = page.querySelector("main");
    if (!fresh) throw new Error("The server answers with another page.");
    const focused = document.activeElement;
    morph(document.querySelector("main"), fresh);
    if (focused && focused.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    title = page.title;
    const link = page.querySelector("link[rel=icon]");
    if (link && link.getAttribute("href") !== icon) {
      icon = link.getAttribute("href");
      document.querySelector("link[rel=icon]").setAttribute("href", icon);
    }
  };

  const refresh = async () => {
    if (document.hidden || running) return;
    running = true;
    try {
      const answer = await fetch(location.href, {
        headers: etag ? { accept: "text/html", "if-none-match": etag } : { accept: "text/html" },
        cache: "no-store",
        signal: AbortSignal.timeout(patience),
      });
      if (answer.redirected) throw new Error("You are signed out: load the page again to sign in.");
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(`The server cannot show this page now (${answer.status}).`);
        take(await answer.text());
        etag = answer.headers.get("etag") || "";
      }
      asOf = Date.parse(answer.headers.get("date")) || Date.now();
      offset = Date.now() - asOf;
      document.getElementById("as-of").dateTime = new Date(asOf).toISOString();
      document.getElementById("as-of").textContent = clock();
      why = "";
    } catch (error) {
      why = error instanceof TypeError || error.name === "TimeoutError" ? "The server does not answer." : error.message;
    } finally {
      running = false;
      show();
    }
  };

  setInterval(refresh, seconds * 1000);
  setInterval(show, 1000);
  document.addEventListener("visibilitychange", refresh);
})();
