"""Covers: the design system of a card. One sheet, twelve designs, chosen for the product and drawn at any size.

facts    what the seller's words say: title, second line, number, benefits, kind of product
tones    the colours of a card, from the product alone
letters  type: pairs of faces, lines broken evenly, the size that fits
paper    the sheet: shapes, words, pictures and shadows in units of a 900th of its width
signs    a sign for a benefit
goods    the families of goods, and the signs that are at home there
parts    rows, lists, figures: what several designs share
bold, calm, plain    the designs
slides   what follows a cover in a set
choice   which designs take this product and these words, in which order
"""
