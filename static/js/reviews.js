// Match reviews by keyboard. The form works without it: each answer is a radio button.
"use strict";
(() => {
  const form = document.querySelector("[data-review]");
  const undo = document.querySelector("[data-undo]");
  const keys = document.getElementById("keys");
  const opener = document.querySelector("[data-keys]");
  if (opener) {
    opener.hidden = false;
    opener.addEventListener("click", () => keys.showModal());
  }
  const answers = form ? [...form.querySelectorAll("[data-key]")] : [];
  const typing = (element) => element.matches("input:not([type=radio], [type=checkbox]), textarea, select");
  const choose = (answer) => {
    answer.checked = true;
    // The last one is a name to type.
    (answer.dataset.key === "o" ? form.querySelector("#id_other") : answer).focus();
    answer.closest(".card").scrollIntoView({ block: "nearest" });
  };
  const move = (step) => {
    const here = answers.findIndex((answer) => answer.checked);
    const next = here < 0 ? (step > 0 ? 0 : answers.length - 1) : (here + step + answers.length) % answers.length;
    answers[next].checked = true;
    answers[next].focus();
  };
  const confirm = () => {
    if (answers.some((answer) => answer.checked)) form.requestSubmit();
    else document.getElementById("live").textContent = form.dataset.none;
  };
  // Typing a name means it.
  form?.querySelector("#id_other").addEventListener("input", () => {
    form.querySelector("#c-other").checked = true;
  });
  const STEPS = { j: 1, ArrowRight: 1, ArrowDown: 1, k: -1, ArrowLeft: -1, ArrowUp: -1 };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || keys.open || typing(event.target)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "?") keys.showModal();
    else if (key === "u" && undo) undo.requestSubmit();
    else if (!form) return;
    else if (key in STEPS) move(STEPS[key]);
    else if (key === "s") form.querySelector("[data-skip]").click();
    else if (key === "Enter" && !event.target.closest("a, button, summary")) confirm();
    else {
      const answer = answers.find((one) => one.dataset.key === key);
      if (!answer) return;
      choose(answer);
    }
    event.preventDefault();
  });
  if (form && !form.querySelector("[role=alert]")) document.getElementById("main").focus({ preventScroll: true });
})();
