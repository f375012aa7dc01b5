"""Makes what was ordered, cards, backgrounds and clips, and delivers it: all of it, or nothing and the credits back.

    source kept ─> checked ─> each item: asked of a provider ─> made ours and stored ─> all delivered
                                  ^   │ waiting: poll, callback
                                  └───┘ the next of the chain, when this one cannot

A run goes as far as it can and then waits without holding a worker: what each item has reached stands in the
checkpoint (`item0`, `item1`, ...), so any worker goes on from there after any death. lib/providers says who makes what,
and in which order; lib/studio/spending keeps what was asked of them and what it cost.
"""
