"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("routing.urls")),
    path("", include("reps.urls")),
    path("", include("accounts.urls")),
    path("", include("sla.urls")),
    path("", include("config.health")),
    path("api/", include("config.api_urls")),
    path("admin/", admin.site.urls),
]

handler500 = "config.outage.server_error"
