"""The card renderer that needs no key: a product photo in, a finished marketplace card out, on this machine's CPU.

    open safely → cut out, or decide not to → choose colours from the product → lay out → files

`render_card` is synchronous and heavy (Pillow, NumPy): a worker calls it in a thread.
"""

from lib.providers.local.card import PRESETS, Card, CardOrder, Preset, render_card

__all__ = ["PRESETS", "Card", "CardOrder", "Preset", "render_card"]
