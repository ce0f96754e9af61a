// Urgent messages as toasts: each once in this browser tab, on whichever page one is.
(() => {
  "use strict";
  const KEY = "urgent-told";
  const told = () => {
    try {
      return new Set(JSON.parse(sessionStorage.getItem(KEY) || "[]"));
    } catch {
      return new Set();
    }
  };
  const remember = (ids) => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify([...ids].slice(-200)));
    } catch {
      // Storage is switched off: the next page may say it again.
    }
  };
  const place = () => {
    const there = document.querySelector("[data-toasts]");
    if (there) return there;
    const made = document.createElement("div");
    made.className = "toasts";
    made.dataset.toasts = "";
    document.body.append(made);
    return made;
  };
  // Before app.js looks for toasts, which it does after every swap.
  document.addEventListener(
    "htmx:afterSwap",
    (event) => {
      if (event.target.id !== "bell") return;
      const ids = told();
      for (const fresh of event.target.querySelectorAll("template[data-urgent]")) {
        if (ids.has(fresh.dataset.urgent)) continue;
        ids.add(fresh.dataset.urgent);
        place().append(fresh.content.cloneNode(true));
      }
      remember(ids);
    },
    true,
  );
})();
