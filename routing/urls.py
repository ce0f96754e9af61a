"""Pages about leads and routing; each module of `views` lists its own addresses."""

from routing.views import board, forms, history, home, imports, leads, quarantine, rules, setup

urlpatterns = [
    *home.urlpatterns,
    *leads.urlpatterns,
    *forms.urlpatterns,
    *board.urlpatterns,
    *history.urlpatterns,
    *rules.urlpatterns,
    *setup.urlpatterns,
    *imports.urlpatterns,
    *quarantine.urlpatterns,
]
