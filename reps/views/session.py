"""Signing in and out."""

from django.conf import settings
from django.contrib.auth import views
from django.urls import path

urlpatterns = [
    path(
        "login/",
        views.LoginView.as_view(
            template_name="reps/login.html",
            redirect_authenticated_user=True,
            extra_context={"demo": settings.DEMO},
        ),
        name="login",
    ),
    path("logout/", views.LogoutView.as_view(), name="logout"),
]
