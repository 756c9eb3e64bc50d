/**
 * Damaged databases saved: seeded rounds, each judged key by key. Two hundred of them: campaign.ts.
 */
import { buildDatabase } from './damaged-database'
import { salvageAndJudge, salvageRound } from './salvage-round'

const seeds = process.env.SEED === undefined ? Array.from({ length: 24 }, (_, i) => i + 1) : [Number(process.env.SEED)]

describe('salvage of a randomly damaged database', () => {
  test.each(seeds)('leaves it as it is, and saves what it says (SEED=%i npx jest test/salvage)', async (seed) => {
    const { keys, keysRight } = await salvageRound(seed)
    expect(keysRight).toBeLessThanOrEqual(keys)
  })

  test.each([1, 2, 3])('loses nothing where nothing is damaged, and says so (database %i)', async (seed) => {
    const database = await buildDatabase(seed)
    const { report, keys, keysRight } = await salvageAndJudge(database, { disk: database.disk, harms: [] })
    expect(report).toMatchObject({ complete: true, manifest: 'whole', losses: [], doubts: [] })
    expect(report.sequence).toBe(database.lastSequence)
    expect(keysRight).toBe(keys)
  })
})
