"""The page one starts at."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path


def home(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "routing/home_rep.html", {})


urlpatterns = [path("", home, name="home")]
