"""The assistant that answers a shop's clients.

settings   what a shop decides about it: whether it answers, how it speaks, what it refuses, how much a day
talks      conversations and their lines; who answers, the assistant or a person of the staff
"""
