"""Pages about the market."""

from accounts.views import accounts, conflicts, covers, territories

urlpatterns = [
    *territories.urlpatterns,
    *accounts.urlpatterns,
    *conflicts.urlpatterns,
    *covers.urlpatterns,
]
