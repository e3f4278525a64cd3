"""Routes of what was on a platform before us, what is otherwise there, and what is about to be changed."""

from django.urls import path

from postledger.web.adoption import views

urlpatterns = [
    path("", views.overview, name="adoption"),
    path("<int:connection_id>/", views.proposals, name="adoption-proposals"),
    path("<int:connection_id>/walk/", views.walk, name="adoption-walk"),
    path("<int:connection_id>/rule/", views.rule, name="adoption-rule"),
    path("<int:connection_id>/drift/", views.drift, name="adoption-drift"),
    path("<int:connection_id>/drift/walk/", views.drift_walk, name="adoption-drift-walk"),
    path("<int:connection_id>/changes/", views.changes, name="adoption-changes"),
    path("proposals/<int:proposal_id>/link/", views.link, name="adoption-link"),
    path("proposals/<int:proposal_id>/reject/", views.reject, name="adoption-reject"),
    path("proposals/<int:proposal_id>/create/", views.create, name="adoption-create"),
    path("differences/<int:difference_id>/act/", views.act, name="adoption-act"),
    path("differences/<int:difference_id>/ignore/", views.ignore, name="adoption-ignore"),
    path("differences/<int:difference_id>/heed/", views.heed, name="adoption-heed"),
    path("<int:connection_id>/changes/release/", views.release_all, name="adoption-release-all"),
    path("resources/<int:resource_id>/refuse/", views.refuse, name="adoption-refuse"),
    path("resources/<int:resource_id>/release/", views.release, name="adoption-release"),
]
