"""Tables refer downwards only, and models are tables, not actors."""

import ast

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import models

from tests.architecture.house import contexts, floors, modules, tree

OURS = [model for model in apps.get_models() if model.__module__.startswith("postledger.")]
ACTING = {"save", "delete", "clean", "full_clean", "asave", "adelete", "refresh_from_db"}

HELD_ONCE = {
    "a_thing_on_a_platform_has_one_holder": "two sellers must not both bill one mailbox",
    "a_mail_domain_serves_one_organization": "a domain receives mail in one place in the world",
    "a_zone_has_one_holder": "a name is published once in the world",
    "one_invoice_per_close": "a subscription has one seller",
    "one_open_subscription_per_buyer": "a buyer has one seller",
}


def context_of(model) -> str:
    return model.__module__.split(".")[1]


def references():
    for model in OURS:
        for field in model._meta.get_fields(include_hidden=False):
            is_ours = isinstance(field.related_model, type) and field.related_model in OURS
            if field.concrete and field.is_relation and is_ours:
                yield model, field


def test_foreign_keys_only_point_down():
    upward = [
        f"{model.__name__}.{field.name}"
        for model, field in references()
        if context_of(field.related_model) != context_of(model)
        and floors()[context_of(field.related_model)] >= floors()[context_of(model)]
    ]
    assert upward == []


def test_no_foreign_key_between_contexts_can_be_walked_backwards():
    walkable = [
        f"{model.__name__}.{field.name}"
        for model, field in references()
        if context_of(field.related_model) != context_of(model) and field.remote_field.related_name != "+"
    ]
    assert walkable == []


def test_unique_keys_of_what_belongs_to_a_seller_start_with_the_seller():
    astray = []
    for model in OURS:
        if not any(field.name == "seller" for field in model._meta.get_fields()):
            continue
        for constraint in model._meta.constraints:
            if not isinstance(constraint, models.UniqueConstraint):
                continue
            first = constraint.fields[0] if constraint.fields else constraint.expressions[0].name
            if first != "seller" and constraint.name not in HELD_ONCE:
                astray.append(constraint.name)
    assert astray == []


def test_constraints_are_named_as_sentences():
    unnamed = [
        constraint.name
        for model in OURS
        for constraint in model._meta.constraints
        if constraint.name.count("_") < 2
    ]
    assert unnamed == []


def test_models_do_nothing_by_themselves():
    acting = [
        f"{module}.{model.name}.{function.name}"
        for module, path in modules("*/models.py")
        for model in tree(path).body
        if isinstance(model, ast.ClassDef)
        for function in model.body
        if isinstance(function, ast.FunctionDef) and function.name in ACTING
    ]
    assert acting == []


def test_properties_of_models_ask_nothing():
    asking = [
        f"{module}.{model.name}.{function.name}"
        for module, path in modules("*/models.py")
        for model in tree(path).body
        if isinstance(model, ast.ClassDef)
        for function in model.body
        if isinstance(function, ast.FunctionDef)
        for part in ast.walk(function)
        if isinstance(part, ast.Attribute) and (part.attr == "objects" or part.attr.endswith("_set"))
    ]
    assert asking == []


def test_no_table_has_a_default_order():
    assert [model.__name__ for model in OURS if model._meta.ordering] == []


def test_every_change_of_a_model_has_its_migration(db):
    call_command("makemigrations", *contexts(), check_changes=True, dry_run=True, verbosity=1)


@pytest.mark.parametrize("context", contexts())
def test_a_context_consists_of_its_five_parts(context):
    (models_file,) = modules(f"{context}/models.py")
    parts = {path.name for path in models_file[1].parent.iterdir()}
    assert {"models.py", "operations.py", "queries.py", "types.py", "migrations"} <= parts
