"""The renderer that needs no key: a product photo in, a card, a new background or a video out, on this machine's CPU.

    open safely → cut out, or decide not to → choose colours from the product → lay out, or move → files

All of it is synchronous and heavy (Pillow, NumPy, PyAV): a worker calls it in a thread. The video's modules are
imported on the first video, as they bring the encoder.

    ground   colour, pixels, letters, photos opened and files written: knows no card
    cut      the product without its background
    scene    rooms and shadows to stand it in
    card     cards, posters, charts; pictures of strangers made ours
    clip     what moves
"""
