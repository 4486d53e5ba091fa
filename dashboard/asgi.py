"""The server we run: ASGI, because live updates are long streams."""

import warnings

from django.core.asgi import get_asgi_application

from dashboard import live_stream
from dashboard.starting import prepare_web, read_settings

# WhiteNoise hands out its files by synchronous iterators; they are small, and sent once.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
# It warns of a folder that is not there; we end with what to do.
warnings.filterwarnings("ignore", message="No directory at")

read_settings()

application = live_stream.wrap(get_asgi_application(), prepare_web)
