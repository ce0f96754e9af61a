/* Rules of a draft by drag, and printing. Both pages work without it: buttons move rules too. */
"use strict";
(() => {
  const print = document.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
  const list = document.querySelector("[data-order]");
  const form = document.getElementById("order");
  if (!list || !form) return;
  let dragged = null;
  const rules = () => [...list.querySelectorAll("[data-rule]")];
  const clear = () => rules().forEach((rule) => rule.classList.remove("over", "dragged"));
  for (const rule of rules()) {
    // The fallback is the last rule, whatever the order of the others.
    if ("last" in rule.dataset) continue;
    rule.draggable = true;
    rule.addEventListener("dragstart", (event) => {
      dragged = rule;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", rule.dataset.rule);
      rule.classList.add("dragged");
    });
    rule.addEventListener("dragend", () => {
      dragged = null;
      clear();
    });
  }
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("[data-rule]");
    if (!dragged || !over) return;
    event.preventDefault();
    rules().forEach((rule) => rule.classList.toggle("over", rule === over && rule !== dragged));
  });
  list.addEventListener("drop", (event) => {
    const over = event.target.closest("[data-rule]");
    if (!dragged || !over || over === dragged) return;
    event.preventDefault();
    const order = rules();
    const down = order.indexOf(dragged) < order.indexOf(over) && !("last" in over.dataset);
    over[down ? "after" : "before"](dragged);
    for (const rule of rules()) {
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "rule";
      field.value = rule.dataset.rule;
      form.append(field);
    }
    form.submit();
  });
})();
