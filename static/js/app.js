// Makes pages live. Every page works without it: forms post, links lead on.
(() => {
  "use strict";
  const root = document.documentElement;
  const AT_RISK = 0.3;
  // Clocks run by the server's time, whatever this computer's clock says.
  const offset = (Number(root.dataset.now) || Date.now()) - Date.now();
  const now = () => Date.now() + offset;
  const live = () => document.getElementById("live");
  const say = (text) => {
    const region = live();
    if (region) region.textContent = text;
  };

  // --- Clocks -------------------------------------------------------------------------
  const spell = (ms) => {
    const sign = ms < 0 ? "+" : "";
    const s = Math.floor(Math.abs(ms) / 1000);
    if (s < 3600) return `${sign}${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
    if (s < 86400) return `${sign}${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}`;
    return `${sign}${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
  };
  const tick = () => {
    const at = now();
    for (const clock of document.querySelectorAll("[data-clock]")) {
      const due = Number(clock.dataset.due);
      const whole = due - Number(clock.dataset.from);
      const left = due - at;
      const share = whole > 0 ? Math.min(1, Math.max(0, left / whole)) : 0;
      const state = left <= 0 ? "breach" : share < AT_RISK ? "risk" : "ok";
      clock.querySelector("b").textContent = spell(left);
      clock.querySelector(".v").setAttribute("stroke-dasharray", `${Math.round(share * 100)} 100`);
      if (!clock.classList.contains(state)) {
        clock.classList.remove("ok", "risk", "breach");
        clock.classList.add(state);
        const words = clock.querySelector("span");
        if (words) words.textContent = state === "breach" ? clock.dataset.late : clock.dataset.left;
        const row = clock.closest(".need");
        if (row) {
          row.classList.remove("ok", "risk", "breach");
          row.classList.add(state);
        }
      }
    }
  };
  setInterval(tick, 1000);

  // --- Theme --------------------------------------------------------------------------
  const toggleTheme = () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // Storage is switched off: the choice holds for this page.
    }
  };

  // --- Toasts -------------------------------------------------------------------------
  const watchToasts = () => {
    for (const toast of document.querySelectorAll("[data-toast]")) {
      const button = toast.querySelector("[data-dismiss]");
      if (!button || !button.hidden) continue;
      button.hidden = false;
      if (toast.dataset.toast !== "pass") continue;
      let timer = setTimeout(() => toast.remove(), 8000);
      for (const stop of ["pointerenter", "focusin"]) toast.addEventListener(stop, () => clearTimeout(timer));
      toast.addEventListener("pointerleave", () => {
        timer = setTimeout(() => toast.remove(), 4000);
      });
    }
  };

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-dismiss], [data-theme-toggle], [data-close]");
    if (target?.matches("[data-dismiss]")) target.closest("[data-toast]").remove();
    if (target?.matches("[data-theme-toggle]")) toggleTheme();
    if (target?.matches("[data-close]")) target.closest("details").open = false;
    // One fold-out at a time, and none when one clicks elsewhere.
    for (const open of document.querySelectorAll("details.fold[open], details.more-nav[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // Coming back by the browser's history finds the page as it was left.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  });
  // A switch or a select that acts at once; without script its button does it.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // --- Keyboard -----------------------------------------------------------------------
  const typing = (element) => element.closest("input:not([type=radio], [type=checkbox]), select, textarea, [contenteditable]");
  const move = (step) => {
    const items = [...document.querySelectorAll("[data-item]")];
    if (!items.length) return;
    const here = items.findIndex((item) => item.contains(document.activeElement));
    const next = here < 0 ? (step > 0 ? 0 : items.length - 1) : here + step;
    const item = items[Math.min(items.length - 1, Math.max(0, next))];
    item.querySelector("a, button")?.focus();
    item.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const fold = document.activeElement?.closest("details[open]");
      if (fold) {
        fold.open = false;
        fold.querySelector("summary").focus();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/") {
      const find = document.querySelector("[data-find]");
      if (find) {
        event.preventDefault();
        find.focus();
      }
    } else if (event.key === "a") {
      const item = document.activeElement?.closest("[data-item]") || document.querySelector("[data-ack-scope]");
      item?.querySelector("[data-ack]")?.click();
    } else {
      // A page may name keys of its own for what it offers.
      [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key)?.click();
    }
  });

  // --- Live lists: htmx asks the same address again; 304 means nothing changed ---------
  const tags = new WeakMap();
  const busy = (region) => {
    const active = document.activeElement;
    return (
      (active && region.contains(active) && typing(active)) ||
      region.querySelector("details[open] form, form[data-sent]") !== null
    );
  };
  const ids = (region) => new Set([...region.querySelectorAll("[data-lead]")].map((row) => row.dataset.lead));
  let before = null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-live]") && (document.hidden || busy(event.target))) event.preventDefault();
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const tag = tags.get(event.target) || event.target.dataset.etag;
    if (event.target.matches("[data-live]") && tag) event.detail.headers["If-None-Match"] = tag;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const region = event.detail.target;
    if (!region.matches("[data-live]") || event.detail.xhr.status !== 200) return;
    if (busy(region)) {
      event.detail.shouldSwap = false;
      return;
    }
    before = ids(region);
    tags.set(region, event.detail.xhr.getResponseHeader("ETag") || "");
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const region = event.detail.target;
    if (!region.matches("[data-live]") || before === null) return;
    const fresh = [...ids(region)].filter((id) => !before.has(id)).length;
    before = null;
    if (fresh) say(fresh === 1 ? region.dataset.oneNew || "1 new" : (region.dataset.manyNew || "% new").replace("%", fresh));
    tick();
    watchToasts();
  });

  watchToasts();
  tick();
})();
