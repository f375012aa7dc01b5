"""SAM: what lies at a box or at points of a picture, by MobileSAM in NumPy alone.

    seen = encoder.embed(picture, 1024)              # once a picture: a second
    answer = decoder.ask(seen, box=(10, 20, 300, 400))  # as often as wanted: a twentieth of one

encoder  the picture as 256 numbers for each 16x16 pixels: a small vision transformer
prompts  a box, points and a mask, as the decoder takes them
decoder  four masks, and how good each of them is
layers   what both are made of, each computed in strips
weights  the file of weights, read in the order of their use
stored   where that file is, and whether it is whole
"""
