"""Pages about promises."""

from sla.views import policies

urlpatterns = [*policies.urlpatterns]
