"""The Chromium of the browser tests."""

import pytest

from tests.browser import chromium


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = chromium.find()
    if path is None:
        pytest.fail(chromium.NONE_FOUND)
    return path
