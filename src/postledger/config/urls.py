"""Where each door stands: the API under /api/, the panels everywhere else."""

from django.urls import include, path

urlpatterns = [
    path("api/", include("postledger.api.urls")),
    path("", include("postledger.web.urls")),
]
