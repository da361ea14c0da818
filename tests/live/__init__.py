"""Tests of the live figures, in Node.js and in a browser."""


def expect(locator):
    """Playwright's `expect`, imported in use: README's own tests collect these files where it isn't installed."""
    from playwright.sync_api import expect

    return expect(locator)
