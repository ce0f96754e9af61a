/* Rows of a condition: offer only what fits the chosen fact. The page works without it. */
"use strict";
(() => {
  const NO_VALUE = ["empty", "not_empty"];
  /* How a value is written that is no plain text or number. */
  const EXAMPLES = {
    events: "pricing_page 3 times within 2 days",
    point: "25 km of 94105",
    time: "mon-fri 09:00-17:00 America/New_York",
  };
  const usual = document.querySelector("[data-crow] [data-value]")?.placeholder ?? "";
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
    value.placeholder = EXAMPLES[kind] ?? usual;
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
