/*
 * Rules of a draft in another order, by drag or by arrow keys on the handle, and printing.
 * Both pages work without it: buttons move rules too.
 */
"use strict";
(() => {
  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
  if (!window.htmx || !document.querySelector("[data-order]")) return;

  const SETTLED = 500;
  const list = () => document.querySelector("[data-order]");
  const rules = () => [...list().querySelectorAll("[data-rule]")];
  // The fallback is the last rule, whatever the order of the others.
  const movable = () => rules().filter((rule) => !("last" in rule.dataset));
  const order = () => rules().map((rule) => rule.dataset.rule);
  const say = (words) => {
    document.getElementById("live").textContent = words;
  };
  const told = (rule, words) =>
    words
      .replace("{name}", rule.querySelector("h3").textContent.trim())
      .replace("{place}", movable().indexOf(rule) + 1)
      .replace("{of}", movable().length);

  let stored = order();
  let dragged = null;
  let timer = 0;

  const show = () => {
    rules().forEach((rule, place) => {
      rule.querySelector(".qn").textContent = place + 1;
      const grip = rule.querySelector("[data-grip]");
      if (grip) grip.hidden = false;
    });
  };
  show();

  const save = async () => {
    clearTimeout(timer);
    timer = 0;
    const wanted = order();
    if (wanted.join() === stored.join()) return;
    const focused = document.activeElement?.id;
    const form = document.getElementById("order");
    await htmx.ajax("POST", form.action, {
      source: form,
      values: { rule: wanted },
      target: "#draft",
      select: "#draft",
      swap: "outerHTML",
    });
    show();
    stored = order();
    if (focused) document.getElementById(focused)?.focus();
    if (stored.join() !== wanted.join()) say(list().dataset.refused);
  };

  const restore = () => {
    for (const pk of stored) list().append(list().querySelector(`[data-rule="${pk}"]`));
    show();
  };

  // --- By keyboard: the handle has the focus, arrows move its rule --------------------------
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && dragged) {
      dragged.classList.remove("dragged");
      dragged = null;
      restore();
      return;
    }
    const grip = event.target.closest("[data-grip]");
    if (!grip || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const rule = grip.closest("[data-rule]");
    const places = movable();
    const other = places[places.indexOf(rule) + (event.key === "ArrowUp" ? -1 : 1)];
    if (!other) {
      say(told(rule, list().dataset.end));
      return;
    }
    other[event.key === "ArrowUp" ? "before" : "after"](rule);
    grip.focus();
    show();
    say(told(rule, list().dataset.moved));
    clearTimeout(timer);
    timer = setTimeout(save, SETTLED);
  });
  document.addEventListener("focusout", (event) => {
    if (timer && event.target.matches("[data-grip]") && event.relatedTarget) save();
  });

  // --- By pointer: mouse, pen or finger ----------------------------------------------------
  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button) return;
    dragged = grip.closest("[data-rule]");
    dragged.classList.add("dragged");
    grip.setPointerCapture(event.pointerId);
  });
  document.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    for (const other of movable()) {
      if (other === dragged) continue;
      const box = other.getBoundingClientRect();
      const middle = box.top + box.height / 2;
      const below = Boolean(dragged.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);
      if (below && event.clientY > middle) other.after(dragged);
      if (!below && event.clientY < middle) {
        other.before(dragged);
        break;
      }
    }
    show();
  });
  const drop = () => {
    if (!dragged) return;
    dragged.classList.remove("dragged");
    say(told(dragged, list().dataset.moved));
    dragged = null;
    save();
  };
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", () => {
    if (!dragged) return;
    dragged.classList.remove("dragged");
    dragged = null;
    restore();
  });
})();
