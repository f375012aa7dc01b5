"""The menu of a shop: its items with their prices, and the search that finds them by what a client writes.

goods      items and variants
words      how words are made comparable
wish       limits and negations in a question
synonyms   other words for the same thing: synonyms.txt, and what a shop adds
index      the search in one version of a menu
cells      the rows of a CSV or XLSX file
sheet      a menu as such rows, read and written
versions   publishing a menu, going back, what clients read
"""
