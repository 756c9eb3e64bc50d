/**
 * A committing process killed eight times in one directory. The long form: npx ts-node test/crash/kill-campaign.ts --rounds 200
 * A build must be there (`npm run build`). Replay: SEED=<seed> npx jest test/crash/kill-rounds.test.ts
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { EMPTY_TALLY } from './kill-model'
import { LIBRARY, makePlace, planRound, runRound } from './kill-round'

const ROUNDS = 8
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000))

test(`everything acknowledged is there, and a prefix, after each of ${ROUNDS} kills (SEED=${seed} npx jest test/crash/kill-rounds.test.ts)`, async () => {
  expect(existsSync(LIBRARY)).toBe(true)
  const directory = mkdtempSync(path.join(tmpdir(), 'strictkv-kill-'))
  try {
    const place = makePlace(path.join(directory, 'db'))
    let tally = EMPTY_TALLY
    let acknowledged = 0
    for (let round = 1; round <= ROUNDS; round++) {
      const result = await runRound(place, planRound(seed, round), tally)
      expect(result.tally.sequence).toBeGreaterThanOrEqual(tally.sequence)
      acknowledged += result.acknowledged
      tally = result.tally
    }
    expect(tally.sequence).toBeGreaterThanOrEqual(acknowledged)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
