"""For servers that speak only WSGI: every page, without live updates."""

from django.core.wsgi import get_wsgi_application

from dashboard.starting import read_settings

read_settings()

application = get_wsgi_application()
