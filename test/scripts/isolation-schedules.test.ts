/**
 * The isolation schedules of test/data/isolation, with exactly the required outcomes: 322 permutations, 26 must abort.
 *
 * Each permutation runs with its data in the memory engine, in memory, flushed, compacted and reopened, on the transaction
 * layer under audit and through the public interface on a real directory; `readOnly` sessions declared and undeclared. Then
 * once more with every victim retried at the moment it is refused: the retry commits.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { IsolationTarget } from '../support/harness/isolation-target'
import { DATABASE_PLACES, openDatabaseTarget, openStoreTarget } from '../support/harness/isolation-target'
import type { IsolationScenario, PermutationOptions } from '../support/harness/isolation-scenario'
import { parseScenario, runPermutation, setupRows } from '../support/harness/isolation-scenario'
import { DATA_PLACES } from '../support/harness/store-harness'

const folder = path.join(__dirname, '../data/isolation')
const scenarios: readonly IsolationScenario[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => parseScenario(readFileSync(path.join(folder, file), 'utf8')))

/** Every way in which a permutation is run; each on keys of its own, so that one store serves them all. */
function variantsOf(scenario: IsolationScenario): PermutationOptions[] {
  const hasReader = [...scenario.sessions.values()].some(({ readOnly }) => readOnly)
  const declared = hasReader ? [false, true] : [false]
  return declared.flatMap((declaresReaders) => [false, true].map((retries) => ({ declaresReaders, retries })))
}

async function runAll(target: IsolationTarget): Promise<void> {
  const runs = scenarios.flatMap((scenario) =>
    variantsOf(scenario).flatMap((options) =>
      scenario.permutations.map((permutation, i) => {
        const prefix = `${scenario.name}/${options.declaresReaders}/${options.retries}/${i}/`
        return { scenario, permutation, options, prefix }
      }),
    ),
  )
  await target.setUp(runs.flatMap(({ scenario, prefix }) => setupRows(scenario, prefix)))
  for (const { scenario, permutation, options, prefix } of runs) {
    await runPermutation(target, scenario, permutation, prefix, options)
  }
  await target.finish()
}

describe('isolation schedules', () => {
  test('are the 322 permutations of which 26 must abort', () => {
    const permutations = scenarios.flatMap((scenario) => scenario.permutations)
    expect(permutations).toHaveLength(322)
    expect(permutations.filter(({ mustAbort }) => mustAbort)).toHaveLength(26)
  })

  test.each(DATA_PLACES)('have their exact outcomes on the transaction layer, data: %s', async (place) => {
    const target = await openStoreTarget(place)
    try {
      await runAll(target)
    } finally {
      await target.close()
    }
  })

  test.each(DATABASE_PLACES)('have their exact outcomes through the public interface, data: %s', async (place) => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'strictkv-isolation-'))
    try {
      const target = await openDatabaseTarget(path.join(directory, 'data'), place)
      try {
        await runAll(target)
      } finally {
        await target.close()
      }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
