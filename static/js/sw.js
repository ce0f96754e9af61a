// Shows what web push brings, and does what its buttons say. It caches nothing.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const read = (event) => {
  try {
    return event.data.json();
  } catch {
    // A browser must show something for every push that it delivers.
    return { title: "Lead routing", body: "Something waits for you.", actions: [], url: "/" };
  }
};

self.addEventListener("push", (event) => {
  const said = read(event);
  const acts = (said.actions || []).slice(0, 1);
  event.waitUntil(
    self.registration.showNotification(said.title, {
      body: said.body || "",
      tag: said.tag || "",
      icon: "/static/favicon.svg",
      data: { url: said.url || "/", tokens: Object.fromEntries(acts.map((one) => [one.action, one.token])) },
      actions: [...acts.map(({ action, title }) => ({ action, title })), { action: "open", title: "Open" }],
    }),
  );
});

const open = async (address) => {
  const url = new URL(address, self.location.origin);
  if (url.origin !== self.location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const free = windows.find((one) => one.url === url.href);
  await (free ? free.focus() : self.clients.openWindow(url.href));
};

// The token is the permission: the page behind it does the act for a POST, and nothing for a GET.
const act = async (token, data) => {
  const page = `/t/${encodeURIComponent(token)}/`;
  let words;
  try {
    const answer = await fetch(page, {
      method: "POST",
      headers: { Accept: "application/json" },
      credentials: "omit",
    });
    words = (await answer.json()).words;
  } catch {
    // No network, or no answer: the page has the button again.
    await open(page);
    return;
  }
  await self.registration.showNotification(words, { tag: "answer", icon: "/static/favicon.svg", data: { url: data.url, tokens: {} } });
};

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const data = event.notification.data || { url: "/", tokens: {} };
  const token = data.tokens[event.action];
  event.waitUntil(token ? act(token, data) : open(data.url));
});
