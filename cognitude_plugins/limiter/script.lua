-- Decides and counts in Redis what memory.py does in a process: same input, same answer, same numbers.
--
-- KEYS: the counters of each subject (hashes), and the calls under way (sorted sets: id of a call by end of its lease).
-- ARGV: operation, id of the call, "" | dry | force, not after (ms, 0: any time), number of charges, then of each one
--       kind, index into KEYS, field, limit, amount, window, start, end, after (calendar) or burst (bucket); after the
--       last the ids to renew. A correction's amount is what to add, its start the window in which it was taken.
-- The formulas, explained in windows.py, are in the same order there: doubles are rounded alike. Times are whole
-- milliseconds of this server's clock. No two charges of a call are about the same counter.

local SLIDING, CALENDAR, BUCKET, LEASE = 1, 2, 3, 4
local GRACE = 60000 -- What a key is kept longer than needed, so that its expiry is not moved by every call.
local operation, id, flags, not_after = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local charges, hashes, writes, lifetimes = {}, {}, {}, {} -- The last three by key.
for at = 6, 5 + 9 * ARGV[5], 9 do
  local x = {key = KEYS[tonumber(ARGV[at + 1])], field = ARGV[at + 2], kind = tonumber(ARGV[at])}
  x.limit, x.amount, x.window = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  x.start, x.finish, x.last = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8])
  x.unit = x.kind == BUCKET and x.window or 1 -- What comes back in a millisecond is a whole number of these.
  x.cost, x.most = x.amount * x.unit, (x.kind == BUCKET and x.last or x.limit) * x.unit
  charges[#charges + 1] = x
end

local function read(x)
  if not hashes[x.key] then
    local hash, flat = {}, redis.call('HGETALL', x.key)
    for at = 1, #flat, 2 do hash[flat[at]] = tonumber(flat[at + 1]) end
    hashes[x.key] = hash
  end
  local hash = hashes[x.key]
  return hash[x.field .. ':s'], hash[x.field .. ':c'] or 0, hash[x.field .. ':p'] or 0
end

local function write(x)
  local list = writes[x.key] or {}
  for _, name in ipairs({'s', 'c', x.kind == SLIDING and 'p' or nil}) do
    list[#list + 1] = x.field .. ':' .. name
    list[#list + 1] = x[name] -- Redis makes up to 17 digits of a number: nothing is lost.
  end
  writes[x.key] = list
end

local function commit()
  for key, list in pairs(writes) do redis.call('HSET', key, unpack(list)) end
  for key, lifetime in pairs(lifetimes) do
    if redis.call('PTTL', key) < lifetime then redis.call('PEXPIRE', key, lifetime + GRACE) end
  end
end

local function roll(s, c, p, window, at)
  local current = at - at % window
  if not s or s < current - window then return current, 0, 0 end
  if s < current then return current, 0, c end
  return math.min(s, current + window), c, p
end

-- What counts at a time from now on: a whole number, and of the last window a part.
local function used(x, at)
  if x.kind == BUCKET then return math.max(0, x.c - (at - now) * x.limit), 0 end
  if x.kind ~= SLIDING then return x.c, 0 end
  local s, c, p = roll(x.s, x.c, x.p, x.window, at)
  return c, p * (x.window - math.max(0, at - s)) / x.window
end

local function fits(x, at)
  local count, part = used(x, at)
  return part <= x.most - x.cost - count -- Not added up: beside a large count a small part would be rounded away.
end

-- How a counter stands now. `moved`: the clock was set back so far that it must be written for the count to end.
local function look(x)
  local found, c, p
  if x.kind ~= LEASE then found, c, p = read(x) end
  if x.kind == SLIDING then
    x.s, x.c, x.p = roll(found, c, p, x.window, now)
    x.reset, x.lifetime = x.s + x.window, 2 * x.window
  elseif x.kind == CALENDAR then
    x.s, x.reset, x.lifetime = x.start, x.finish, x.last - x.start
    if now >= x.finish or found == x.finish then x.s, x.reset = x.finish, x.last end
    x.c = found and found >= x.s and c or 0
  elseif x.kind == BUCKET then
    x.s, x.c = now, math.max(0, c - math.max(0, now - (found or now)) * x.limit)
    x.lifetime = x.window + math.ceil(x.most / x.limit)
  else
    x.c, x.lifetime = redis.call('ZCOUNT', x.key, string.format('(%.0f', now), '+inf'), 2 * x.window
  end
  x.moved = found and found > x.s
end

local function take(x)
  x.c, lifetimes[x.key] = x.c + x.cost, math.max(x.lifetime, lifetimes[x.key] or 0)
  if x.kind == BUCKET then x.c = math.min(x.c, x.most + x.limit * x.unit) end
  if x.kind ~= LEASE then return write(x) end
  redis.call('ZREMRANGEBYSCORE', x.key, '-inf', now - x.window) -- Until then its call can still be settled.
  if x.amount > 0 then redis.call('ZADD', x.key, now + x.window, id) end
end

local function put_back(x)
  if x.moved then write(x) end
  local late = x.kind == LEASE and redis.call('ZRANGEBYSCORE', x.key, string.format('(%.0f', now + x.window), '+inf')
  for _, member in ipairs(late or {}) do redis.call('ZADD', x.key, now + x.window, member) end
end

local function wait(x)
  local room, guess = x.most - x.cost, nil
  if x.kind == LEASE or room < 0 then return -1 end
  if x.kind == CALENDAR then return math.max(1, x.reset - now) end
  if x.kind == BUCKET then guess = (x.c - room) / x.limit
  elseif x.c <= room then guess = x.s - now + x.window - (room - x.c) * x.window / x.p
  else guess = x.s - now + 2 * x.window - room * x.window / x.c end
  local least = math.max(1, math.ceil(guess) - 1) -- Rounded divisions may be wrong by one; what decides is `fits`.
  return fits(x, now + least) and least or fits(x, now + least + 1) and least + 1 or least + 2
end

local function correct(x)
  if x.kind == LEASE then return redis.call('ZREM', x.key, id) end
  x.s, x.c, x.p = read(x)
  if not x.s then return end
  if x.kind == BUCKET then x.c = math.max(0, math.min(x.c + x.cost, x.most + x.limit * x.unit))
  elseif x.start == x.s or (x.start > x.s and x.amount > 0) then x.c = math.max(0, x.c + x.amount)
  elseif x.start == x.s - x.window then x.p = math.max(0, x.p + x.amount) end
  write(x)
end

local function reserve()
  local refused, reply = 0, {}
  for _, x in ipairs(charges) do
    look(x)
    x.refused = flags ~= 'force' and not fits(x, now)
    if x.refused then refused = refused + 1 end
  end
  for _, x in ipairs(charges) do
    if flags ~= 'dry' then (refused == 0 and take or put_back)(x) end
    if x.kind == BUCKET then x.reset = now + math.ceil(x.c / x.limit) end
    local count, part = used(x, now)
    reply[#reply + 1] = math.max(0, math.floor((x.most - count - math.ceil(part)) / x.unit))
    reply[#reply + 1] = x.reset or 0
    reply[#reply + 1] = x.refused and wait(x) or 0
    reply[#reply + 1] = x.refused and 1 or 0
  end
  return {now, refused, unpack(reply)}
end

local function settle() -- Once: the first of the charges may be the lease that the call holds until then.
  local held = charges[1] and (charges[1].kind ~= LEASE or correct(charges[1]) == 1)
  for _, x in ipairs(held and charges or {}) do correct(x) end
  return {now, held and 1 or 0}
end

local function renew()
  for _, x in ipairs(charges) do
    lifetimes[x.key] = 2 * x.window
    for at = 6 + 9 * #charges, #ARGV do redis.call('ZADD', x.key, 'XX', now + x.window, ARGV[at]) end
  end
  return {now, 1}
end

-- What is known to have been spent is the least of the first counter. The second is that, and what the calls under way
-- (third) hold of the subject `id`: their ids then are `amount subject subject … id`.
local function raise()
  local spent, taken, x = charges[1], charges[2], charges[3]
  look(spent)
  look(taken)
  local least, held = math.max(spent.c, spent.amount), 0
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', x.key, string.format('(%.0f', now), '+inf')) do
    local mine = string.find(member, ' ' .. id .. ' ', 1, true)
    held = held + (mine and tonumber(string.match(member, '^(%d+) ')) or 0)
  end
  spent.cost, taken.cost = least - spent.c, least + held - taken.c
  if spent.cost ~= 0 or taken.cost ~= 0 then take(spent) take(taken) end
  return {now, spent.cost}
end

if not_after > 0 and now > not_after then return {now} end
local operations = {reserve = reserve, settle = settle, renew = renew, raise = raise}
local reply = operations[operation]()
commit()
return reply
