"""How people sign in: users are made by those who run their account, so there is no signing up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class Adapter(DefaultAccountAdapter):
    """allauth, with the door for strangers closed."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
