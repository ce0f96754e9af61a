// "Tell me on this device": asks the browser only after a click, never by itself.
(() => {
  "use strict";
  const panel = document.querySelector("[data-push]");
  if (!panel) return;
  const state = panel.querySelector("[data-push-state]");
  const start = panel.querySelector("[data-push-start]");
  const say = (name) => {
    for (const words of state.querySelectorAll("[data-when]")) words.hidden = words.dataset.when !== name;
    start.hidden = name !== "off" && name !== "failed";
  };
  const bytes = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };
  const digest = async (text) => {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  const rowOf = async (subscription) =>
    panel.querySelector(`[data-device="${await digest(subscription.endpoint)}"]`);
  const sameKey = (subscription) => {
    const known = new Uint8Array(subscription.options.applicationServerKey || []);
    const ours = bytes(panel.dataset.key);
    return known.length === ours.length && known.every((byte, index) => byte === ours[index]);
  };
  const nameOfDevice = () => {
    const agent = navigator.userAgent;
    const browser = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
    const system = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac", "Mac"], ["Linux", "Linux"]];
    const first = (rows) => (rows.find(([mark]) => agent.includes(mark)) || ["", ""])[1];
    return [first(browser), first(system)].filter(Boolean).join(", ");
  };

  const look = async () => {
    if (!window.isSecureContext || !("serviceWorker" in navigator) || !("PushManager" in window)) return say("cannot");
    if (Notification.permission === "denied") return say("denied");
    const worker = await navigator.serviceWorker.getRegistration("/");
    const subscription = worker && (await worker.pushManager.getSubscription());
    const row = subscription && (await rowOf(subscription));
    if (!row || !sameKey(subscription)) return say("off");
    row.querySelector("[data-here]").hidden = false;
    return say("on");
  };

  const subscribe = async () => {
    if ((await Notification.requestPermission()) !== "granted") return look();
    await navigator.serviceWorker.register("/sw.js", { scope: "/" });
    const worker = await navigator.serviceWorker.ready;
    const old = await worker.pushManager.getSubscription();
    if (old && !sameKey(old)) await old.unsubscribe();
    const made = await worker.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(panel.dataset.key),
    });
    const answer = await fetch(panel.dataset.to, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": panel.querySelector("[name=csrfmiddlewaretoken]").value },
      body: JSON.stringify({ ...made.toJSON(), device: nameOfDevice() }),
    });
    if (!answer.ok) throw new Error("not kept");
    location.reload();
    return undefined;
  };

  start.addEventListener("click", () => {
    start.disabled = true;
    subscribe()
      .catch(() => say("failed"))
      .finally(() => {
        start.disabled = false;
      });
  });
  // Forgetting this very device ends its subscription here too, so that the browser knows.
  panel.addEventListener("submit", (event) => {
    const row = event.target.closest("[data-device]");
    if (!row || row.querySelector("[data-here]").hidden) return;
    event.preventDefault();
    const end = async () => {
      const worker = await navigator.serviceWorker.getRegistration("/");
      const subscription = worker && (await worker.pushManager.getSubscription());
      if (subscription) await subscription.unsubscribe();
    };
    end()
      .catch(() => undefined)
      .finally(() => event.target.submit());
  });
  look().catch(() => say("cannot"));
})();
