"""Web push in a real browser: asked politely, and the note's own button acknowledges the lead."""

import json

import pytest
from playwright.sync_api import expect

from reps.models import Message
from reps.post import kinds
from reps.post.channels.push import payload
from routing.models import Lead
from tests import make

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]
# Counts every time that the page asks the browser's owner.
COUNT = """
window.asked = 0;
Notification.requestPermission = async () => { window.asked += 1; return "default"; };
"""
# Waits until a note with this title is shown.
SHOWN = """async (title) => {
  const worker = await navigator.serviceWorker.ready;
  for (let tries = 0; tries < 200; tries += 1) {
    const notes = await worker.getNotifications();
    if (notes.some((note) => note.title.startsWith(title))) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`No note is titled ${title}.`);
}"""
PRESS = """async (action) => {
  const [notification] = await self.registration.getNotifications();
  const shown = {
    title: notification.title,
    body: notification.body,
    actions: notification.actions.map((one) => one.title),
  };
  self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action }));
  return shown;
}"""


@pytest.fixture
def ann(settings, tmp_path):
    settings.VAR, settings.VAPID_PRIVATE_KEY = tmp_path, ""
    make.organisation()
    return make.rep("ann")


def test_the_browser_is_asked_after_a_click_and_never_by_itself(ann, sign_in):
    page = sign_in("ann", "/me/channels/")
    page.add_init_script(COUNT)
    page.reload()
    start = page.get_by_role("button", name="Tell me on this device")

    expect(start).to_be_visible()
    expect(page.get_by_text("This device is not told yet")).to_be_visible()
    assert page.evaluate("window.asked") == 0

    start.click()
    page.wait_for_function("window.asked === 1")


def test_the_button_of_a_note_acknowledges_the_lead(ann, sign_in, live_server, settings):
    settings.BASE_URL = live_server.url
    lead = make.owned(ann, {"name": "Zoë Lee", "company": "Acme", "hand_raise": True})
    message = Message.objects.get(kind="lead_assigned")
    said = payload(kinds.get(message.kind).render(message), key=message.key)
    page = sign_in("ann", "/me/channels/")
    context = page.context
    context.grant_permissions(["notifications"], origin=live_server.url)
    with context.expect_event("serviceworker") as started:
        page.evaluate("navigator.serviceWorker.register('/sw.js', { scope: '/' })")
    worker = started.value
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    deliver(context, page, live_server.url, json.dumps(said))
    page.evaluate(SHOWN, "Hot lead")
    shown = worker.evaluate(PRESS, "acknowledge")

    assert shown["title"] == "Hot lead: Zoë Lee"
    assert "Acme" in shown["body"]
    assert shown["actions"] == ["Acknowledge", "Open"]
    page.evaluate(SHOWN, "Acknowledged")
    assert Lead.objects.get(pk=lead.pk).acknowledged_at is not None


def deliver(context, page, origin, data):
    """Let the browser's push service bring something, as its developer tools do."""
    tools = context.new_cdp_session(page)
    found = []
    tools.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.append(event))
    tools.send("ServiceWorker.enable")
    page.wait_for_timeout(200)
    registration = found[-1]["registrations"][0]["registrationId"]
    tools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": origin, "registrationId": registration, "data": data},
    )
