"""The renderer that needs no key: a product photo in, a card, a new background or a video out, on this machine's CPU.

    open safely → cut out, or decide not to → choose colours from the product → lay out, or move → files

All of it is synchronous and heavy (Pillow, NumPy, PyAV): a worker calls it in a thread. The video's modules are
imported on the first video, as they bring the encoder.
"""

from lib.providers.local.background import BackgroundOrder, render_background
from lib.providers.local.card import PRESETS, CardOrder, Preset, render_card
from lib.providers.local.order import SECONDS, TEMPLATES, Video, VideoOrder
from lib.providers.local.output import Card
from lib.providers.local.scenes import SCENES

__all__ = [
    "PRESETS",
    "SCENES",
    "SECONDS",
    "TEMPLATES",
    "BackgroundOrder",
    "Card",
    "CardOrder",
    "Preset",
    "Video",
    "VideoOrder",
    "render_background",
    "render_card",
    "render_video",
]


def render_video(data: bytes, order: VideoOrder) -> Video:
    """Draw and encode the video; the same photo and order give the same bytes.

    Raises Rejected for a picture it cannot use.
    """
    from lib.providers.local import video

    return video.render_video(data, order)
