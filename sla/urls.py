"""Pages about promises."""

from sla.views import attainment, policies, reasons, recompute, risk

urlpatterns = [
    *policies.urlpatterns,
    *reasons.urlpatterns,
    *recompute.urlpatterns,
    *risk.urlpatterns,
    *attainment.urlpatterns,
]
