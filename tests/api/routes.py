"""The API alone, as it stands in the house."""

from django.urls import include, path

urlpatterns = [path("api/", include("postledger.api.urls"))]
