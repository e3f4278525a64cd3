"""Routes of the panels."""

from django.urls import include, path

urlpatterns = [path("sign-in/", include("allauth.urls"))]
