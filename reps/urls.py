"""Pages about people, signing in, and what was sent."""

from reps.views import outbox, people, session

urlpatterns = [*session.urlpatterns, *people.urlpatterns, *outbox.urlpatterns]
