/**
 * Golden schedules: each case of each script, with its data in the memory engine, in memory, flushed, compacted and reopened.
 *
 * The format is described in test/support/harness/script.ts.
 */
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { parseScript } from '../support/harness/script'
import { runScript } from '../support/harness/script-runner'
import { DATA_PLACES, createStoreHarness } from '../support/harness/store-harness'

const folder = path.join(__dirname, 'schedules')
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.txt'))
  .sort()

describe.each(files)('%s', (file) => {
  const script = parseScript(readFileSync(path.join(folder, file), 'utf8'))
  const places = script.isMemoryOnly ? DATA_PLACES.slice(0, 1) : DATA_PLACES

  test.each(script.cases.map((one) => [one.title, one] as const))('%s', async (_, one) => {
    for (const place of places) {
      const harness = await createStoreHarness(place, script.limits)
      try {
        await runScript(script, one, harness)
      } finally {
        await harness.close()
      }
    }
  })
})
