"""The counts of all instances together, for ever: what each has tallied is folded into one value in Redis.

    RPUSH metrics:batches ──(the next who asks)──> metrics:total = {"c": sums, "i": last number of each instance}

Folding is one script, so that two who fold at once count nothing twice, and a batch that came twice counts once. An
emptied Redis begins from nothing, as counters do after a restart.
"""

import json
import time

from lib import cache, tally

BATCHES = cache.BATCHES
TOTAL = "metrics:total"
AT_ONCE = 5000
FORGET = 3600  # seconds after which an instance's last number is not needed any more

_FOLD = """#!lua flags=allow-key-locking
local known = redis.call('GET', KEYS[2])
local batches = redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)
if #batches == 0 then return known end
local total = known and cjson.decode(known) or {c = {}, i = {}}
local now = tonumber(ARGV[2])
for _, text in ipairs(batches) do
  local batch = cjson.decode(text)
  local last = total.i[batch.i]
  if not last or batch.n > last[1] then
    for name, n in pairs(batch.c) do total.c[name] = (total.c[name] or 0) + n end
    total.i[batch.i] = {batch.n, now}
  end
end
for id, last in pairs(total.i) do
  if last[2] < now - tonumber(ARGV[3]) then total.i[id] = nil end
end
redis.call('LTRIM', KEYS[1], #batches, -1)
known = cjson.encode(total)
redis.call('SET', KEYS[2], known)
return known
"""


async def totals(*also: str) -> tuple[dict[str, int], list[str | None]]:
    """Return the sums over all instances, this one's newest included, and the values of further keys: one round trip.

    Raises Unavailable without Redis.
    """
    tally.own.hurry()
    keys = [cache.key(BATCHES), cache.key(TOTAL)]
    fold: cache.Command = ["EVAL", _FOLD, len(keys), *keys, AT_ONCE, int(time.time()), FORGET]
    total, *found = await cache.pipeline([fold, *(["GET", cache.key(name)] for name in also)])
    return (json.loads(total)["c"] if total else {}), found
