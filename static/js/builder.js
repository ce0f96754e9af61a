/*
 * The rows of a rule: offer only what fits what was chosen, add and take out rows without
 * loading the page, keep the rule in words in step. The page works without it: each button is a
 * submit, and the server lays out what was typed.
 */
"use strict";
(() => {
  const NO_VALUE = ["empty", "not_empty"];
  /* What the page says once about all rows: by fact its kind, by way of comparing what fits. */
  const said = (name) =>
    new Map([...(document.querySelector(`template[${name}]`)?.content.children ?? [])].map((one) => [one.value, one.dataset]));
  const facts = said("data-facts");
  const ops = said("data-ops");

  /* Only options that fit stay; a choice that does not fit gives way to the first that does. */
  const keep = (select, fits) => {
    for (const option of select.options) option.hidden = option.disabled = !fits(option);
    if (select.selectedOptions[0]?.disabled) {
      select.value = [...select.options].find((option) => !option.disabled).value;
    }
  };

  const fitCondition = (row) => {
    const op = row.querySelector("[data-op]");
    const value = row.querySelector("[data-value]");
    const hint = row.querySelector("[data-hint]");
    const name = row.querySelector("[data-fact]").value;
    const fact = facts.get(name);
    const kind = fact?.kind;
    keep(op, (option) => !kind || ops.get(option.value)?.kinds.split(" ").includes(kind));
    value.setAttribute("list", `values-${name}`);
    value.hidden = NO_VALUE.includes(op.value);
    if (value.hidden) value.value = "";
    const words = ops.get(op.value);
    hint.textContent = kind ? ((fact.unit && words?.while) || words?.hint) ?? "" : "";
  };

  const fitOptions = (row, kind, isAsked) => {
    const what = row.querySelector("[data-what]");
    const amount = row.querySelector("[data-amount]");
    what.hidden = !isAsked || !kind.takes;
    keep(what, (option) => !option.value || !kind.takes || option.parentElement.dataset.sort === kind.takes);
    amount.hidden = !isAsked || !kind.measure;
    if (kind.measure) amount.setAttribute("list", `amounts-${kind.measure}`);
    amount.placeholder = kind.hint ?? "";
  };

  const fitStage = (row) => {
    const kind = row.querySelector("[data-by]").selectedOptions[0]?.dataset ?? {};
    fitOptions(row.querySelector(".pline"), kind, true);
    for (const step of row.querySelectorAll("[data-step]")) {
      fitOptions(step, kind, step.querySelector("[data-how]").value === "change");
    }
  };

  const fitSide = (side) => {
    const part = side.closest("[data-builder]").dataset;
    const kind = side.querySelector("[data-target]").value.split(":")[0];
    const select = side.querySelector("[data-select]");
    const ends = part.ends.split(" ").includes(kind);
    const isPool = part.pools.split(" ").includes(kind);
    keep(select, (option) => isPool || !part.rotating.split(" ").includes(option.value));
    select.closest(".field").hidden = ends;
    side.querySelector("[data-choosing]").hidden = ends;
    side.querySelector("[data-ended]").hidden = !ends;
    side.querySelector("[data-wait]").closest(".field").hidden = side.querySelector("[data-empty]").value !== "at_most";
  };

  const fit = (within) => {
    within.querySelectorAll("[data-crow]").forEach(fitCondition);
    within.querySelectorAll("[data-prow]").forEach(fitStage);
    within.querySelectorAll("[data-side]").forEach(fitSide);
  };
  fit(document);

  document.addEventListener("change", (event) => {
    const row = event.target.closest("[data-crow]");
    if (row) fitCondition(row);
    const stage = event.target.closest("[data-prow]");
    if (stage) fitStage(stage);
    const side = event.target.closest("[data-side]");
    if (side && !stage) fitSide(side);
  });

  if (!window.htmx) return;
  const count = document.querySelector("[data-count]");
  if (count) count.hidden = true;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=act]");
    const part = button?.closest("[data-builder]");
    if (!part) return;
    event.preventDefault();
    const place = `#${part.id}`;
    htmx
      .ajax("POST", button.form.getAttribute("action") || location.href, {
        source: button.form,
        values: { act: button.value },
        target: place,
        select: place,
        swap: "outerHTML",
      })
      .then(() => {
        const fresh = document.querySelector(place);
        fit(fresh);
        // A new row has the cursor; where one went, the next button takes it.
        const next = fresh.querySelector("[autofocus]") ?? fresh.querySelector("button[name=act]");
        next?.focus();
        htmx.trigger(fresh.closest("form"), "rows");
      });
  });
})();
