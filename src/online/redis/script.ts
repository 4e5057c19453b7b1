import { createHash } from 'node:crypto';

/** A Lua script and the name the server knows it by. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
  /** Whether its keys may lie in several slots of one node: then they come as arguments (see `ScriptCall`). */
  readonly isSpread: boolean;
}

/** A script, and the same for a node of a cluster. */
export interface ScriptPair {
  readonly single: Script;
  readonly spread: Script;
}

/** A cluster takes only keys of one slot as keys; what a script does with others it must say beforehand. */
function script(lua: string, flags = ''): ScriptPair {
  return {
    single: named(lua, false),
    spread: named(`#!lua flags=allow-cross-slot-keys${flags}\n${KEYS_FROM_ARGUMENTS}${lua}`, true),
  };
}

/** The number of keys, the keys, and then what the arguments are otherwise. */
const KEYS_FROM_ARGUMENTS = `
local KEYS, ARGV = (function(all)
  local keys, rest, count = {}, {}, tonumber(all[1])
  for i = 1, count do keys[i] = all[i + 1] end
  for i = count + 2, #all do rest[i - count - 1] = all[i] end
  return keys, rest
end)(ARGV)
`;

function named(lua: string, isSpread: boolean): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex'), isSpread };
}

/**
 * Writes a chunk of rows, each only when it is newer than what is there. Returns how many were.
 *
 * KEYS are buckets. ARGV: how long a row is kept after its event time in ms (empty: for ever), the present in ms,
 * a seed; then for each bucket the number of its rows, how many ms the newest of them is still kept, their fields,
 * their rows.
 *
 * - The recency is compared by its first 20 bytes as five 32-bit numbers. Lua's numbers are doubles, which hold 32
 *   bits exactly and 64 not; and its `<` on strings follows the server's locale, not the bytes.
 * - A bucket is dropped when its newest row may be. The time left is counted by the caller's clock, never by the
 *   server's, which may differ. It gets a thirty-second more than it needs, so that rows that are a little newer
 *   need not change it.
 * - Rows that are there already count too: what is published again after its view's TTL was raised or taken away
 *   stays as long as the new one says.
 * - A bucket that gains entities for ever would keep those that are past their time: as fields are added, two by
 *   chance are looked at, and it is swept when one of them is past. Of a hundred fields ten or so are kept too long.
 */
export const WRITE = script(`
local call, unpack, bytesOf = redis.call, unpack, struct.unpack
local keep, now = tonumber(ARGV[1]), tonumber(ARGV[2])
if keep then math.randomseed(tonumber(ARGV[3])) end

local function newer(row, old)
  if not old then return true end
  -- Most that are published again: strings are compared by where they are.
  if row == old then return false end
  if #old < 20 then return true end
  local a1, a2, a3, a4, a5 = bytesOf('>I4I4I4I4I4', row)
  local b1, b2, b3, b4, b5 = bytesOf('>I4I4I4I4I4', old)
  if a1 ~= b1 then return a1 > b1 end
  if a2 ~= b2 then return a2 > b2 end
  if a3 ~= b3 then return a3 > b3 end
  if a4 ~= b4 then return a4 > b4 end
  return a5 > b5
end

-- Milliseconds until a row may go.
local function left(row)
  local high, low = bytesOf('>I4I4', row)
  return math.floor(((high - 2147483648) * 4294967296 + low) / 1000) + keep - now
end

local function expire(key, most, added)
  local current = call('PTTL', key)
  if current >= most then return end
  if current == -1 and call('HLEN', key) > added then
    -- Written before the view had a TTL: a row that is already there may be the newest.
    for _, row in ipairs(call('HVALS', key)) do
      if #row >= 8 then most = math.max(most, left(row)) end
    end
  end
  call('PEXPIRE', key, string.format('%.0f', most + keep / 32))
end

local function sweep(key)
  local all, gone = call('HGETALL', key), {}
  for i = 1, #all, 2 do
    if #all[i + 1] >= 8 and left(all[i + 1]) <= 0 then gone[#gone + 1] = all[i] end
    if #gone == 1000 then call('HDEL', key, unpack(gone)) gone = {} end
  end
  if #gone > 0 then call('HDEL', key, unpack(gone)) end
end

local written, at = 0, 4
for k = 1, #KEYS do
  local key, count, most = KEYS[k], tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local landed, size = {}, 0
  if count == 1 then
    local row = ARGV[at + 3]
    if newer(row, call('HGET', key, ARGV[at + 2])) then
      landed[1], landed[2], size = ARGV[at + 2], row, 2
    end
  else
    local latest, old = {}, {}
    -- A packed hash is searched from its start for each field: of many it is quicker to take all.
    if count >= 48 and call('HLEN', key) <= 2 * count then
      local all = call('HGETALL', key)
      for i = 1, #all, 2 do latest[all[i]] = all[i + 1] end
    else
      old = call('HMGET', key, unpack(ARGV, at + 2, at + 1 + count))
    end
    for i = 1, count do
      local field, row = ARGV[at + 1 + i], ARGV[at + 1 + count + i]
      if newer(row, latest[field] or old[i]) then
        latest[field] = row
        landed[size + 1], landed[size + 2] = field, row
        size = size + 2
      end
    end
  end
  local added = 0
  if size > 0 then
    added = call('HSET', key, unpack(landed))
    written = written + size / 2
  end
  if keep then
    expire(key, most, added)
    if math.random() * 2 < added then
      local some = call('HRANDFIELD', key, 2, 'WITHVALUES')
      for i = 2, #some, 2 do
        if #some[i] >= 8 and left(some[i]) <= 0 then sweep(key) break end
      end
    end
  else
    call('PERSIST', key)
  end
  at = at + 2 + 2 * count
end
return written
`);

/**
 * Replaces rows that are no longer true, each only while it is what is stored. Returns how many were. KEYS: the
 * bucket of each row. ARGV: for each its field, its recency, and the row to put in its place (empty: none).
 */
export const WITHDRAW = script(`
local changed = 0
for k = 1, #KEYS do
  local field, was, instead = unpack(ARGV, 3 * k - 2, 3 * k)
  local row = redis.call('HGET', KEYS[k], field)
  if row and string.sub(row, 1, 20) == was then
    if instead == '' then
      redis.call('HDEL', KEYS[k], field)
    else
      redis.call('HSET', KEYS[k], field, instead)
    end
    changed = changed + 1
  end
end
return changed
`);

/** All fields and rows of the buckets that are KEYS, one after another. */
export const SCAN = script(
  `
local all, size = {}, 0
for k = 1, #KEYS do
  local bucket = redis.call('HGETALL', KEYS[k])
  for i = 1, #bucket do all[size + i] = bucket[i] end
  size = size + #bucket
end
return all
`,
  ',no-writes',
);

/** Drops the buckets that are KEYS, freeing them in the background. Returns how many rows they had. */
export const DROP = script(
  `
local rows = 0
for k = 1, #KEYS do
  local size = redis.call('HLEN', KEYS[k])
  if size > 0 then
    rows = rows + size
    redis.call('UNLINK', KEYS[k])
  end
end
return rows
`,
  ',allow-oom',
);
