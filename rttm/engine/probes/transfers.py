"""libcurl's transfers in the running event loop, by pycurl's own bridge; `http` alone calls it."""

import asyncio
from collections.abc import AsyncGenerator

import pycurl

Keeper = AsyncGenerator[pycurl.AsyncCurlMulti, None]

_open: dict[asyncio.AbstractEventLoop, tuple[pycurl.AsyncCurlMulti, Keeper]] = {}


async def perform(curl: pycurl.Curl) -> None:
    """Until it ended well, else a pycurl.error. A cancelled caller has its handle back."""
    loop = asyncio.get_running_loop()
    if loop not in _open:
        keeper = _kept(loop)
        _open[loop] = await anext(keeper), keeper
    multi, _ = _open[loop]
    await multi.perform(curl)


async def _kept(loop: asyncio.AbstractEventLoop) -> Keeper:
    """Open as long as the loop, which ends its asynchronous generators before it closes."""
    try:
        async with pycurl.AsyncCurlMulti() as multi:
            yield multi
    finally:
        del _open[loop]
