// Ticking leads: how many are chosen, all of a list at once, and no reload that would lose them.
(() => {
  "use strict";
  const form = document.getElementById("move");
  if (!form) return;
  const boxes = () => [...document.querySelectorAll('input[form="move"][name="lead"]')];
  const label = form.querySelector("[data-selected]");
  const count = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    // With nothing ticked the bar would only cover the lists; without script it is always there.
    form.hidden = chosen === 0;
    label.textContent = chosen ? label.dataset.some.replace("%", chosen) : label.dataset.none;
    for (const box of boxes()) box.closest("tr")?.setAttribute("aria-selected", String(box.checked));
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      for (const box of event.target.closest("table").querySelectorAll('[name="lead"]')) box.checked = event.target.checked;
    }
    count();
  });
  // A reset is done after its event.
  form.addEventListener("reset", () => setTimeout(count));
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.matches("[data-live]") && boxes().some((box) => box.checked)) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.matches("[data-live]") && boxes().some((box) => box.checked)) event.detail.shouldSwap = false;
  });
  count();
})();
