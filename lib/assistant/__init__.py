"""The assistant that answers a shop's clients, and what they order by it.

settings   what a shop decides about it: whether it answers, how it speaks, what it refuses, how much a day
talks      conversations and their lines; who answers, the assistant or a person of the staff
requests   a client's order to a shop: the draft, its one confirmation, its states
slip       a request in words
sheets     the requests of a shop as a file
pushes     what becomes of a request, told to the staff and the client
handover   a person of the staff in a talk: called, answering, giving it back
below      the buttons below an answer
keyless    the answer from the menu alone, without a model
render     references of a model's words become items with prices; what is not certain yet is held back
guards     no sums of money, links or rules of ours in a model's own words
about      answers about the shop itself: its hours, its address, what the assistant cannot do
misses     what clients asked for and did not find, without the people; figures by day
model      a model asked over chat completions, on any server that has them, and heard part by part
prompt     what a model is told: rules, the shop's data as data, what was said, the question
tools      what a model may use: the search, promotions, one's own points, a draft of an order, a person
conversation  the summary and the last lines of a talk, through the cache
summary    what a long talk was about, without prices
answer     one answer from the question to the message
below      the buttons below an answer
"""
