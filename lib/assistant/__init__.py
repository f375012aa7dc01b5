"""The assistant that answers a shop's clients, and what they order by it.

settings   what a shop decides about it: whether it answers, how it speaks, what it refuses, how much a day
talks      conversations and their lines; who answers, the assistant or a person of the staff
requests   a client's order to a shop: the draft, its one confirmation, its states
keyless    the answer from the menu alone, without a model
"""
