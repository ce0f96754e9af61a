"""Pages about people, signing in, and what was sent."""

from reps.views import bell, hooks, operations, outbox, people, push, session

urlpatterns = [
    *session.urlpatterns,
    *people.urlpatterns,
    *bell.urlpatterns,
    *outbox.urlpatterns,
    *operations.urlpatterns,
    *push.urlpatterns,
    *hooks.urlpatterns,
]
