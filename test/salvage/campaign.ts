/**
 * Two hundred randomly damaged databases saved, each judged key by key, with what came of them in figures. Some minutes.
 *
 *   npx ts-node test/salvage/campaign.ts [--rounds 200] [--seed 1]
 *
 * A round that fails says its seed: `SEED=17 npx jest test/salvage` replays it. Ends with exit code 1 if one did.
 */
import { parseArgs } from 'node:util'
import type { RoundOutcome } from './salvage-round'
import { salvageRound } from './salvage-round'

/** Sums over the rounds of one kind. */
interface Sums {
  rounds: number
  complete: number
  losses: number
  doubts: number
  keys: number
  keysRight: number
  keysNamed: number
  shortened: number
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
  })
  const first = Number(values.seed)
  const sumsByStanding = new Map<string, Sums>()
  let failures = 0
  for (let seed = first; seed < first + Number(values.rounds); seed++) {
    try {
      add(sumsByStanding, await salvageRound(seed))
    } catch (error) {
      failures++
      console.log((error as Error).message)
    }
  }
  console.log(
    '| manifest | rounds | complete | losses | doubts | keys with a value | saved with their newest | keys named in a loss or doubt | ends sooner |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  for (const [standing, sums] of [...sumsByStanding].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { rounds, complete, losses, doubts, keys, keysRight, keysNamed, shortened } = sums
    console.log(
      `| ${[standing, rounds, complete, losses, doubts, keys, keysRight, keysNamed, shortened].join(' | ')} |`,
    )
  }
  console.log(`${values.rounds} rounds from seed ${first}, ${failures} failures`)
  if (failures > 0) process.exitCode = 1
}

function add(
  sumsByStanding: Map<string, Sums>,
  { report, keys, keysRight, keysNamed, isShortened }: RoundOutcome,
): void {
  const sums = sumsByStanding.get(report.manifest) ?? { rounds: 0, complete: 0, losses: 0, doubts: 0, keys: 0, keysRight: 0, keysNamed: 0, shortened: 0 } // prettier-ignore
  sumsByStanding.set(report.manifest, sums)
  sums.rounds++
  if (report.complete) sums.complete++
  sums.losses += report.losses.length
  sums.doubts += report.doubts.length
  sums.keys += keys
  sums.keysRight += keysRight
  sums.keysNamed += keysNamed
  if (isShortened) sums.shortened++
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
