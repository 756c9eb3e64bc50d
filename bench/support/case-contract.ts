/**
 * What the processes that measure agree on: how a case is run, and what goes between them and the one that conducts.
 */
import type { Sample } from './figures'

/** What a process is told when it starts. */
export interface MeasureOptions {
  /** A directory of the process's own, which exists. */
  readonly directory: string
  /** Rows of the loaded database. */
  readonly rows: number
}

/** Everything that one process can measure. */
export interface CaseSet {
  /** Measures one case for about `ms` milliseconds. */
  run(name: string, ms: number): Promise<Sample>
  close(): Promise<void>
}

/** Which process it is to be, and with what. */
export type Start = MeasureOptions & { readonly process: string }

/** To a process: the first message starts it, each later one has it measure; it ends when the channel is closed. */
export type Order = { readonly start: Start } | { readonly run: string; readonly ms: number }

/** From a process, one for each order. */
export type Answer = { readonly ready: true } | { readonly sample: Sample } | { readonly failure: string }

/** Runs `fn` and counts the processor time of this process, all threads, in microseconds per operation. */
export async function withProcessorTime(fn: () => Promise<Sample>, operations: string): Promise<Sample> {
  const before = process.cpuUsage()
  const sample = await fn()
  const used = process.cpuUsage(before)
  const count = sample[operations] ?? 0
  return count === 0 ? sample : { ...sample, cpuMicroseconds: (used.user + used.system) / count }
}
