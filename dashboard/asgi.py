"""The server we run: ASGI, because live updates are long streams."""

import os

from django.core.asgi import get_asgi_application

from dashboard import live_stream

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

application = live_stream.wrap(get_asgi_application())
