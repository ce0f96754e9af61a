from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path


def leads(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "routing/leads.html", {})


def lead(request: HttpRequest, pk: int) -> HttpResponse:
    return TemplateResponse(request, "routing/lead.html", {})


urlpatterns = [
    path("leads/", leads, name="leads"),
    path("leads/<int:pk>/", lead, name="lead"),
]
