"""The parameters that each model takes, by the documentation of August 2026. A request that breaks
them gets a 422."""

from dataclasses import dataclass
from typing import Any

RATIOS = {"1:1", "9:16", "16:9", "3:4", "4:3", "3:2", "2:3", "5:4", "4:5", "21:9", "auto"}


@dataclass(frozen=True)
class Model:
    """A model: its fields with their limits, the kind of its result, and its price in credits."""

    picture: str
    many: int = 0  # how many pictures at most; 0: one address that is no list
    prompt: int = 0  # how long at most; 0: there is none
    prompt_required: bool = True
    options: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    required: tuple[str, ...] = ()
    film: bool = False
    credits: float = 8


MODELS = {
    "google/nano-banana-edit": Model("image_urls", 10, 5000, options=(("output_format", ("png", "jpeg")),), credits=4),
    "nano-banana-2": Model(
        "image_input", 14, 20000,
        options=(("resolution", ("1K", "2K", "4K")), ("output_format", ("png", "jpg"))),
    ),
    "seedream/4.5-edit": Model(
        "image_urls", 14, 3000, credits=6.5, required=("aspect_ratio", "quality"),
        options=(("quality", ("basic", "high")),),
    ),
    "gpt-image-2-image-to-image": Model(
        "input_urls", 16, 20000, options=(("resolution", ("1K", "2K", "4K")),), credits=12
    ),
    "recraft/remove-background": Model("image", 0, 0, credits=1),
    "grok-imagine/image-to-video": Model(
        "image_urls", 7, 5000, prompt_required=False, film=True, credits=20,
        options=(
            ("resolution", ("480p", "720p", "1080p")), ("mode", ("fun", "normal")),
            ("duration", tuple(map(str, range(6, 31)))),
        ),
    ),
    "kling-2.6/image-to-video": Model(
        "image_urls", 1, 1000, film=True, credits=55, required=("sound", "duration"),
        options=(("duration", ("5", "10")), ("sound", (True, False))),
    ),
    "kling-3.0/video": Model("image_urls", 2, 2500, film=True, credits=60, required=("duration",)),
    "bytedance/seedance-2-fast": Model("first_frame_url", 0, 2500, film=True, credits=70),
}  # fmt: skip


def refuse(model: str, given: Any) -> tuple[int, str] | None:
    """Return the code and words of a refusal, or None for a request that the model takes."""
    known = MODELS.get(model)
    if known is None:
        return 422, "The model name you specified is not supported. Please verify and use a valid model name."
    if not isinstance(given, dict):
        return 422, "input must be an object"
    pictures = given.get(known.picture)
    if known.many:
        right = isinstance(pictures, list) and 0 < len(pictures) <= known.many and all(map(_is_address, pictures))
    else:
        right = _is_address(pictures)
    if not right:
        return 422, f"{known.picture} is required"
    if problem := _prompt(known, given.get("prompt")):
        return 422, problem
    if given.get("aspect_ratio", "1:1") not in RATIOS:
        return 422, "aspect_ratio is not within the range of allowed options"
    if missing := [name for name in known.required if name not in given]:
        return 422, f"{missing[0]} is required"
    for name, allowed in known.options:
        if name in given and not any(given[name] == one and type(given[name]) is type(one) for one in allowed):
            return 422, f"{name} is not within the range of allowed options"
    return None


def _prompt(known: Model, prompt: Any) -> str:
    if not known.prompt:
        return ""
    if not prompt:
        return "prompt is required" if known.prompt_required else ""
    if not isinstance(prompt, str) or len(prompt) > known.prompt:
        return f"The text length cannot exceed the maximum limit of {known.prompt} characters"
    return ""


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))
