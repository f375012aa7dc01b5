"""The stand-in of a model behind a real server, as the tests of the providers have it."""

from tests.providers.conftest import keyed, openai, page, secrets, stand_ins

__all__ = ["keyed", "openai", "page", "secrets", "stand_ins"]
