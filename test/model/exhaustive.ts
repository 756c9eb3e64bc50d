/**
 * Every small schedule on the real transaction layer, judged step by step: the command.
 *
 *     npx ts-node test/model/exhaustive.ts --full            all families, whole (minutes)
 *     npx ts-node test/model/exhaustive.ts --stride 50       each fiftieth schedule
 *     npx ts-node test/model/exhaustive.ts --full --only 1   one family
 *
 * Prints the number of schedules of each family; ends with exit code 1 and the schedule at the first violation.
 * The families and their reduction by symmetry: test/support/oracle/exhaustive-suites.ts.
 */
import { parseArgs } from 'node:util'
import { createStoreSubject } from '../support/harness/store-subject'
import { FULL_FAMILIES, runFamily } from '../support/oracle/exhaustive-suites'
import { ScheduleRunner } from '../support/oracle/schedule-runner'

const STRIDE_DEFAULT = 101

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { full: { type: 'boolean' }, stride: { type: 'string' }, only: { type: 'string' } },
  })
  const stride = values.full === true ? 1 : Number(values.stride ?? STRIDE_DEFAULT)
  // Errors are part of the schedules; their stacks are not looked at.
  Error.stackTraceLimit = 4
  let total = 0
  for (const [index, family] of FULL_FAMILIES.entries()) {
    if (values.only !== undefined && Number(values.only) !== index + 1) continue
    const begun = process.hrtime.bigint()
    const subject = createStoreSubject({ restCheckEvery: 64 })
    const runner = new ScheduleRunner(subject, { publishesAtOnce: family.publishes === 0 })
    const schedules = await runFamily(family, runner, { stride })
    const { steps, commits, aborts, waits } = runner.counts
    const seconds = Number(process.hrtime.bigint() - begun) / 1e9
    total += schedules
    const figures = `${steps} steps, ${commits} commits, ${aborts} aborts, ${waits} waits, ${seconds.toFixed(1)} s`
    process.stdout.write(`${index + 1}. ${family.name}: ${schedules} schedules (${figures})\n`)
  }
  process.stdout.write(`${total} schedules, no anomaly, no needless abort\n`)
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'failed'}\n`)
  process.exitCode = 1
})
