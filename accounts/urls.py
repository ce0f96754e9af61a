"""Pages about the market."""

from accounts.views import accounts, territories

urlpatterns = [*territories.urlpatterns, *accounts.urlpatterns]
