import { createHash } from 'node:crypto';
import type { Script } from '../src/online/redis/script.ts';

/**
 * The same rule as Tidemark's own script, a row lands when its first 20 bytes are greater, for other layouts. None of
 * them looks after expiry, which would cost a key for each entity the most.
 */
const NEWER = `
local call, bytesOf = redis.call, struct.unpack
local function newer(row, old)
  if not old or #old < 20 then return true end
  local a1, a2, a3, a4, a5 = bytesOf('>I4I4I4I4I4', row)
  local b1, b2, b3, b4, b5 = bytesOf('>I4I4I4I4I4', old)
  if a1 ~= b1 then return a1 > b1 end
  if a2 ~= b2 then return a2 > b2 end
  if a3 ~= b3 then return a3 > b3 end
  if a4 ~= b4 then return a4 > b4 end
  return a5 > b5
end
`;

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex'), isSpread: false };
}

/** A key for each entity: reads the recency, then writes when the row is newer. */
export const COMPARED = script(`${NEWER}
local written = 0
for k = 1, #KEYS do
  if newer(ARGV[k], call('GETRANGE', KEYS[k], 0, 19)) then
    call('SET', KEYS[k], ARGV[k])
    written = written + 1
  end
end
return written
`);

/** A key for each entity: most are new, so that is tried first. */
export const NX_FIRST = script(`${NEWER}
local written = 0
for k = 1, #KEYS do
  if call('SET', KEYS[k], ARGV[k], 'NX') then
    written = written + 1
  elseif newer(ARGV[k], call('GETRANGE', KEYS[k], 0, 19)) then
    call('SET', KEYS[k], ARGV[k])
    written = written + 1
  end
end
return written
`);

/** Hashes: one HMGET and one HSET each. ARGV: for each the number of its rows, then field, row, field, row. */
export const SMALL_BUCKETS = script(`${NEWER}
local written, at = 0, 1
for k = 1, #KEYS do
  local count, fields, landed = tonumber(ARGV[at]), {}, {}
  for i = 1, count do fields[i] = ARGV[at + 2 * i - 1] end
  local old = call('HMGET', KEYS[k], unpack(fields))
  for i = 1, count do
    if newer(ARGV[at + 2 * i], old[i]) then
      landed[#landed + 1] = fields[i]
      landed[#landed + 1] = ARGV[at + 2 * i]
    end
  end
  if #landed > 0 then
    call('HSET', KEYS[k], unpack(landed))
    written = written + #landed / 2
  end
  at = at + 1 + 2 * count
end
return written
`);
