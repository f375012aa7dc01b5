"""Makes what lib/drawing/cover/signs.py reads: the drawings of the signs, and what a benefit's words say of them."""
