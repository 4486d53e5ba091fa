"""The server we run: ASGI, because live updates are long streams."""

import os
import warnings

from django.core.asgi import get_asgi_application

from dashboard import live_stream

# WhiteNoise hands out its files by synchronous iterators; they are small, and sent once.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

application = live_stream.wrap(get_asgi_application())
