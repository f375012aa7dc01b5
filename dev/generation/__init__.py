"""Stand-ins for the generation providers, KIE.ai and an OpenAI-compatible API: real HTTP, real pictures, no account."""

from dev.generation.kie import Kie
from dev.generation.openai_api import OpenAI

__all__ = ["Kie", "OpenAI"]
