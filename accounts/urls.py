"""Pages about the market."""

from accounts.views import accounts

urlpatterns = [*accounts.urlpatterns]
