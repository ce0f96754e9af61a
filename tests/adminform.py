"""Fill in admin pages as a browser would: with what they show, and what a test changes."""

from typing import Any

from django.test import Client


def shown(client: Client, url: str) -> dict[str, Any]:
    """The values of every field that a form page shows, formsets included."""
    page = client.get(url)
    assert page.status_code == 200, (url, page.status_code)
    found: dict[str, Any] = {}
    context = page.context_data
    for form in _forms(context):
        for bound in form:
            _put(found, bound)
    return found


def submit(client: Client, url: str, **changes: Any):
    """Send a form page back with changes; None leaves a field out."""
    data = {**shown(client, url), **changes}
    return client.post(url, {name: value for name, value in data.items() if value is not None})


def _forms(context: dict[str, Any]):
    if "adminform" not in context:
        yield context["form"]
        return
    yield context["adminform"].form
    for inline in context["inline_admin_formsets"]:
        yield inline.formset.management_form
        yield from inline.formset.initial_forms


def _put(found: dict[str, Any], bound: Any) -> None:
    value = bound.value()
    widget = bound.field.widget
    widget = getattr(widget, "widget", widget)
    if hasattr(widget, "decompress"):
        for part, piece in zip(widget.widgets_names, widget.decompress(value), strict=True):
            shown = widget.widgets[widget.widgets_names.index(part)].format_value(piece)
            found[bound.html_name + part] = shown or ""
    elif isinstance(value, bool):
        if value:
            found[bound.html_name] = "on"
    elif hasattr(widget, "format_value") and not hasattr(widget, "choices"):
        found[bound.html_name] = widget.format_value(value) or ""
    else:
        found[bound.html_name] = "" if value is None else value
