/**
 * Kills a committing process again and again in one directory, and judges what is there after each time.
 *
 *   npx ts-node test/crash/kill-campaign.ts --rounds 200 --seed 1
 *
 * Build first (`npm run build`): the built package is what is killed. The seed decides what is done and when the kill is sent; how
 * processes interleave is the machine's choice, so a replay repeats the plan, not the instant. A failed round keeps its
 * directory and says where. Other options: --clients 64, --directory <an empty one>, --library <another build>.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { EMPTY_TALLY } from './kill-model'
import { LIBRARY, makePlace, planRound, runRound } from './kill-round'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      clients: { type: 'string', default: '64' },
      directory: { type: 'string' },
      library: { type: 'string', default: LIBRARY },
    },
  })
  const [rounds, seed] = [Number(values.rounds), Number(values.seed)]
  const directory = values.directory ?? path.join(mkdtempSync(path.join(tmpdir(), 'strictkv-kill-')), 'db')
  const place = makePlace(directory, { library: path.resolve(values.library), clients: Number(values.clients) })
  console.log(`seed ${seed}; again: npx ts-node test/crash/kill-campaign.ts --rounds ${rounds} --seed ${seed}`)
  const figures = { acknowledged: 0, inFlight: 0, killed: 0, opening: 0, closed: 0, readOnlyFirst: 0 }
  let tally = EMPTY_TALLY
  for (let round = 1; round <= rounds; round++) {
    const plan = planRound(seed, round)
    try {
      const result = await runRound(place, plan, tally)
      tally = result.tally
      figures.acknowledged += result.acknowledged
      figures.inFlight += result.inFlight
      if (result.wasKilled) figures.killed++
      else figures.closed++
      if (result.wasOpening) figures.opening++
      if (plan.readOnlyFirst) figures.readOnlyFirst++
    } catch (error) {
      console.log(`round ${round} FAILED: ${(error as Error).message}\n  directory kept: ${directory}`)
      process.exitCode = 1
      return
    }
    if (round % 10 === 0) console.log(`round ${round}: sequence ${tally.sequence}, ${JSON.stringify(figures)}`)
  }
  console.log(
    `${rounds} rounds, 0 failures: ${figures.killed} killed (${figures.opening} of them while opening), ` +
      `${figures.closed} ended first; ${figures.acknowledged} commits acknowledged, all there; ` +
      `${figures.inFlight} more were in flight and whole; ${figures.readOnlyFirst} times opened for reading first`,
  )
  if (values.directory === undefined) rmSync(path.dirname(directory), { recursive: true })
}

void main()
