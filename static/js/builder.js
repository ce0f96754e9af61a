/* Rows of a condition: offer only what fits the chosen fact. The page works without it. */
"use strict";
(() => {
  const NO_VALUE = ["empty", "not_empty"];
  const fit = (row) => {
    const fact = row.querySelector("[data-fact]");
    const op = row.querySelector("[data-op]");
    const value = row.querySelector("[data-value]");
    const kind = fact.selectedOptions[0]?.dataset.kind;
    for (const option of op.options) {
      const fits = !kind || option.dataset.kinds.split(" ").includes(kind);
      option.hidden = option.disabled = !fits;
    }
    if (op.selectedOptions[0]?.disabled) {
      op.value = [...op.options].find((option) => !option.disabled)?.value ?? "";
    }
    value.setAttribute("list", `values-${fact.value}`);
    value.disabled = false;
    value.hidden = NO_VALUE.includes(op.value);
    if (value.hidden) value.value = "";
  };
  document.querySelectorAll("[data-crow]").forEach(fit);
  document.addEventListener("change", (event) => {
    const row = event.target.closest("[data-crow]");
    if (row) fit(row);
  });
})();
