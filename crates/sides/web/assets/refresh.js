// Keeps a page that says data-refresh up to date: fetches it again and puts the new main in place of the old.
// Stops while nobody looks, and says so when the server does not answer.
(() => {
  const seconds = Number(document.documentElement.dataset.refresh);
  if (!seconds) return;
  const notice = document.getElementById("stale");
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = document.querySelector("main");
      const fresh = page.querySelector("main");
      if (fresh && !main.contains(document.activeElement)) main.replaceWith(fresh);
      notice.hidden = true;
    } catch {
      notice.hidden = false;
    }
  };
  setInterval(refresh, seconds * 1000);
  document.addEventListener("visibilitychange", refresh);
})();
