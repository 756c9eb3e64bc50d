/**
 * The inside of a process that measures: sets up its cases when told to start, then measures one at a time as ordered.
 *
 * Started by the conductor, with an IPC channel; it closes what it opened and ends when the channel is closed.
 */
import type { Answer, CaseSet, MeasureOptions, Order } from './case-contract'

/** Sets up what one process can measure. */
export type OpenCases = (options: MeasureOptions) => Promise<CaseSet>

/** Serves the conductor; `find` gives what the process of that name can measure. */
export function serveCases(find: (process: string) => OpenCases | undefined): void {
  let cases: CaseSet | undefined
  const carryOut = async (order: Order): Promise<Answer> => {
    if ('start' in order) {
      const openCases = find(order.start.process)
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
}
