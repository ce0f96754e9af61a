"""The report on experiments: rules that split their leads between two paths."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from reps.views.gates import set_up_only
from routing.insight import experiments


@set_up_only
def experiments_page(request: HttpRequest) -> HttpResponse:
    """Every experiment: both sides, what became of their leads, and how certain that is."""
    return TemplateResponse(
        request, "routing/experiments.html", {"experiments": experiments.running()}
    )


urlpatterns = [path("rules/experiments/", experiments_page, name="experiments")]
