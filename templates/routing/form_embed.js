{% autoescape off %}// Shows the form where this script stands: <script src="…/embed.js" async></script>
(() => {
  const script = document.currentScript;
  const frame = document.createElement("iframe");
  const address = new URL("./", script.src);
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (name.startsWith("utm_")) address.searchParams.set(name, value);
  }
  address.searchParams.set("embed", "1");
  address.searchParams.set("page", location.href);
  frame.src = address;
  frame.title = "{{ lead_form.title|escapejs }}";
  frame.width = "100%";
  frame.height = "760";
  frame.setAttribute("frameborder", "0");
  script.after(frame);
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== address.origin) return;
    const height = Number(event.data && event.data.formHeight);
    if (height > 0 && height < 5000) frame.height = String(Math.ceil(height));
  });
})();
{% endautoescape %}
