// Inside a frame: tells the page around how tall the form is, so that nothing scrolls twice.
(() => {
  "use strict";
  const tell = () => parent.postMessage({ formHeight: document.documentElement.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
  tell();
})();
