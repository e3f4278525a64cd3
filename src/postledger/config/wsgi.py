"""The WSGI application, for gunicorn and its like: `postledger.config.wsgi:application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postledger.config.settings")
if settings.DATABASE_SERVER:
    settings.DATABASE_SERVER.start()
application = get_wsgi_application()
