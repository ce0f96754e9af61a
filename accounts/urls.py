"""Pages about the market."""

from accounts.views import accounts, conflicts, covers

urlpatterns = [*accounts.urlpatterns, *conflicts.urlpatterns, *covers.urlpatterns]
