"""The bucket of query costs of one shop, kept in Redis so that all workers spend from the same one.

A shop gives an app so many points, refills them at a steady rate, and refuses a query that costs more than is left. Two
scripts keep the account: each is one atomic step, timed by the server's own clock.
"""

from __future__ import annotations

from redis import Redis

FORGET = 30.0
"""Seconds after which a reservation whose answer never came no longer counts: the shop has refilled it by then."""
SOONEST = 0.05
LASTS = 3600

_CLOCK = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
"""

# KEYS: account (hash), pending (sorted set by time). ARGV: cost, forget, lasts. Gives the seconds to wait as text.
_TAKE = (
    _CLOCK
    + """
local cost = tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[2]))
local known = redis.call('HMGET', KEYS[1], 'level', 'maximum', 'rate', 'told')
local rate = tonumber(known[3] or '0')
if rate > 0 then
  local maximum = tonumber(known[2])
  local free = math.min(tonumber(known[1]) + (now - tonumber(known[4])) * rate, maximum)
  for _, entry in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    free = free - tonumber(string.match(entry, '^[^:]+'))
  end
  local lacking = math.min(cost, maximum) - free
  if lacking > 0 then return tostring(lacking / rate) end
end
local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
redis.call('ZADD', KEYS[2], now, ARGV[1] .. ':' .. number)
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return '0'
"""
)

# ARGV: available, maximum, restore rate, reserved, lasts.
_LEARN = (
    _CLOCK
    + """
redis.call('HSET', KEYS[1], 'level', ARGV[1], 'maximum', ARGV[2], 'rate', ARGV[3], 'told', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], ARGV[5])
for _, entry in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if tonumber(string.match(entry, '^[^:]+')) == tonumber(ARGV[4]) then
    redis.call('ZREM', KEYS[2], entry)
    break
  end
end
return '0'
"""
)


class CostBucket:
    """The bucket of the shop called ``name``. Before its first answer nothing is known and everything may pass."""

    def __init__(self, redis: Redis, name: str) -> None:
        self._keys = [f"cost:{{{name}}}", f"cost:{{{name}}}:pending"]
        self._take = redis.register_script(_TAKE)
        self._learn = redis.register_script(_LEARN)

    def take(self, cost: float) -> float:
        """Seconds to wait before a query of this requested cost may be sent; 0.0 reserves it now."""
        wait = float(self._take(keys=self._keys, args=[repr(float(cost)), FORGET, LASTS]))
        return max(wait, SOONEST) if wait > 0 else 0.0

    def learn(self, *, available: float, maximum: float, restore_rate: float, reserved: float) -> None:
        """What the shop said of its bucket after a request that had reserved that much."""
        told = [repr(float(value)) for value in (available, maximum, restore_rate, reserved)]
        self._learn(keys=self._keys, args=[*told, LASTS])
