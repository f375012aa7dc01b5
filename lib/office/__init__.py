"""The things that administrators look at and put right.

letters   updates that failed for good: looked at, replayed, dropped
people    who somebody is: found, their orders and payments, shut out and let in again
shops     shops, services and promotions: what waits for a decision, and the decision
queue     jobs: what failed and what waits, done over, cancelled
pulse     is anything wrong, and how much there is of everything
trail     who did what by hand; which alerts an administrator wants to hear
acts      everything that changes something: what it will do, said beforehand, and the doing of it
"""
