"""Who may open a page at all; which rows they then see is each view's business."""

from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from reps import access

View = Callable[..., HttpResponse]


def set_up_only(view: View) -> View:
    """Let managers, RevOps and admins in; others get a 403."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not access.may_set_up(request.user):
            raise PermissionDenied("Managers and RevOps set this up.")
        return view(request, *args, **kwargs)

    return guarded


def revops_only(view: View) -> View:
    """Let RevOps and admins in; others get a 403."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not access.is_revops(request.user):
            raise PermissionDenied("RevOps looks after this.")
        return view(request, *args, **kwargs)

    return guarded
