/**
 * The inside of a process that measures: sets up its cases when told to start, then measures one at a time as ordered.
 *
 * Started by the conductor, with an IPC channel; it closes what it opened and ends when the channel is closed.
 */
import type { Answer, CaseSet, MeasureOptions, Order } from './case-contract'
import { openCommitCases } from './commits'
import { openLimitCases } from './limits'
import { openLoadCase } from './load'
import { openReadCases } from './reads'

/** What each process can measure. */
const openCasesByProcess = new Map<string, (options: MeasureOptions) => Promise<CaseSet>>([
  ['commits', openCommitCases],
  ['reads', openReadCases],
  ['limits', openLimitCases],
  ['load', openLoadCase],
])

let cases: CaseSet | undefined

async function carryOut(order: Order): Promise<Answer> {
  if ('start' in order) {
    const openCases = openCasesByProcess.get(order.start.process)
    if (openCases === undefined) throw new Error(`There is no process "${order.start.process}"`)
    cases = await openCases(order.start)
    return { ready: true }
  }
  if (cases === undefined) throw new Error('Cannot measure before the start')
  return { sample: await cases.run(order.run, order.ms) }
}

process.on('message', (order: Order) => {
  carryOut(order)
    .catch((error: unknown): Answer => ({
      failure: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }))
    .then((answer) => process.send?.(answer))
    .catch(() => undefined)
})
process.on('disconnect', () => {
  void Promise.resolve(cases?.close()).finally(() => process.exit())
})
