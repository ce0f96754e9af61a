// The map by keyboard: one stop for Tab, arrows to the nearest place in a direction, Enter opens it
// (it is a link), R hands its territory over. Without script every place is a link of its own.
(() => {
  "use strict";
  const map = document.querySelector("[data-territory-map]");
  if (!map) return;
  const places = [...map.querySelectorAll("a[data-code]")];
  if (!places.length) return;
  const at = (place) => [Number(place.dataset.x), Number(place.dataset.y)];
  const only = (place) => {
    for (const one of places) one.tabIndex = one === place ? 0 : -1;
  };
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const next = (from, [dx, dy]) => {
    const [x, y] = at(from);
    let best = null;
    let least = Infinity;
    for (const one of places) {
      const [left, top] = at(one);
      const along = (left - x) * dx + (top - y) * dy;
      // What lies aside counts double, so that an arrow goes where it points.
      const aside = Math.abs((left - x) * dy) + Math.abs((top - y) * dx);
      if (one === from || along <= 0 || aside > 2 * along) continue;
      const far = along + 2 * aside;
      if (far < least) [best, least] = [one, far];
    }
    return best;
  };
  only(places.find((place) => place.dataset.kind !== "none") || places[0]);
  map.addEventListener("focusin", (event) => {
    const place = event.target.closest("a[data-code]");
    if (place) only(place);
  });
  map.addEventListener("keydown", (event) => {
    const place = event.target.closest("a[data-code]");
    if (!place || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "r" && place.dataset.reassign) {
      event.preventDefault();
      window.location.assign(place.dataset.reassign);
    }
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    next(place, way)?.focus();
  });
})();
