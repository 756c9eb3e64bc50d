/**
 * Runs golden schedules on a harness: every step must give what the script says, and the auditor must agree with it.
 *
 * The auditor knows the guarantee but not the script, the script knows the expected outcome but not the guarantee: a wrong
 * expectation and a wrong store are both found.
 */
import type { BeginOptions } from '../../../src/mvcc/contract'
import { Auditor } from '../oracle/auditor'
import type { AuditedScan, AuditedTransaction, StepOutcome } from '../oracle/audited-transaction'
import type { Interval } from '../oracle/intervals'
import type { StoreHarness } from './store-harness'
import type { Script, ScriptCase, ScriptStep } from './script'

interface ScriptSession {
  readonly transaction: AuditedTransaction | undefined
  /** An operation that has not come back. */
  readonly waiting: Promise<string> | undefined
}

/** Runs one case. Throws at the first step that gives something else. */
export async function runScript(script: Script, { title, steps }: ScriptCase, harness: StoreHarness): Promise<void> {
  const auditor = new Auditor(harness.store)
  harness.onAbort = (report) => auditor.onAbort(report)
  const run = new ScriptRun(auditor, harness, script)
  await run.setUp()
  for (const step of steps) {
    try {
      await run.step(step)
    } catch (error) {
      const where = `${harness.name}, "${title}", line ${step.line}, ${step.session}: ${step.verb} ${step.args.join(' ')}`
      throw new Error(`${where}: ${error instanceof Error ? error.message : 'failed'}`, { cause: error })
    }
  }
  await run.finish()
}

class ScriptRun {
  readonly #auditor: Auditor
  readonly #harness: StoreHarness
  readonly #script: Script
  readonly #sessions = new Map<string, ScriptSession>()
  readonly #scans = new Map<AuditedTransaction, AuditedScan>()
  #base = 0

  constructor(auditor: Auditor, harness: StoreHarness, script: Script) {
    this.#auditor = auditor
    this.#harness = harness
    this.#script = script
  }

  async setUp(): Promise<void> {
    const writer = this.#auditor.begin({ label: 'setup' })
    // A deleted key is set up too, so that every storage holds a tombstone.
    writer.put('~setup', '')
    for (const [key, value] of this.#script.setup) writer.put(key, value)
    const settled = writer.commit()
    while (writer.record.commit === undefined) {
      await new Promise((resolve) => setImmediate(resolve))
      this.#auditor.noticeDecisions()
    }
    this.#publish(this.#auditor.decided)
    await settled
    const store = await this.#harness.settleData()
    this.#auditor.reopened(store)
    this.#base = this.#auditor.decided
  }

  async step(step: ScriptStep): Promise<void> {
    const outcome = this.#act(step)
    this.#goOn()
    const isStorage = step.verb === 'flush' || step.verb === 'compact'
    const shown =
      typeof outcome === 'string' || isStorage ? await outcome : await settledOrWaiting(outcome, () => this.#goOn())
    if (shown === undefined) {
      if (step.expected !== 'waits') throw new Error(`it waits, expected: ${step.expected ?? 'done'}`)
      this.#keep(step.session, outcome as Promise<string>)
    } else if (step.expected === undefined) {
      if (shown.startsWith('SerializationError')) throw new Error(`it gave ${shown}`)
    } else if (!isExpected(shown, step.expected)) {
      throw new Error(`it gave ${shown}, expected: ${step.expected}`)
    }
    this.#auditor.settleAborts()
    if (this.#auditor.failure !== undefined) throw this.#auditor.failure
    await this.#harness.disturb()
  }

  async finish(): Promise<void> {
    for (const { transaction } of this.#sessions.values()) transaction?.rollback()
    this.#publish(this.#auditor.decided)
    for (const { waiting } of this.#sessions.values()) if (waiting !== undefined) await waiting
    if (this.#auditor.failure !== undefined) throw this.#auditor.failure
    if (this.#auditor.reportFault !== undefined) throw this.#auditor.reportFault
    await this.#harness.store.settled()
    this.#harness.checkAtRest()
  }

  #act(step: ScriptStep): string | Promise<string> {
    const { session, verb, args } = step
    if (verb === 'publish') {
      this.#publish(args[0] === undefined ? this.#auditor.decided : this.#base + Number(args[0]))
      return 'done'
    }
    if (verb === 'answer') return this.#sessions.get(session)!.waiting!
    if (verb === 'flush' || verb === 'compact') return this.#harness[verb]().then(() => 'done')
    if (verb === 'begin') {
      const [option] = args
      const options: BeginOptions =
        option === undefined ? {} : option === 'snapshot' ? { isolation: 'snapshot' } : { [option]: true }
      this.#sessions.set(session, {
        transaction: this.#auditor.begin({ ...options, label: session }),
        waiting: undefined,
      })
      return 'done'
    }
    const transaction = this.#sessions.get(session)?.transaction
    if (transaction === undefined) {
      return verb === 'get' ? this.#auditor.loneGet(keyOf(args[0]!)) : this.#auditor.loneScan(rangeOf(args[0]!))
    }
    return this.#operate(transaction, verb, args)
  }

  #operate(transaction: AuditedTransaction, verb: string, args: readonly string[]): string | Promise<string> {
    const key = keyOf(args[0] ?? '')
    const explain = (outcome: StepOutcome): string => {
      if (outcome === 'done') return transaction.lastShown === '' ? 'done' : transaction.lastShown
      const { report } = transaction
      return `SerializationError ${report?.reason ?? ''}${report?.conservative === true ? ' conservative' : ''}`
    }
    const told = (outcome: StepOutcome | Promise<StepOutcome>) =>
      outcome instanceof Promise ? outcome.then(explain) : explain(outcome)
    transaction.lastShown = ''
    switch (verb) {
      case 'get':
        return told(transaction.get(key))
      case 'getForUpdate':
        return told(transaction.getForUpdate(key))
      case 'scan':
        return this.#scan(transaction, args).then(explain)
      case 'openScan':
        this.#scans.set(transaction, transaction.openScan(rangeOf(args[0]!)))
        return 'done'
      case 'next':
        return told(this.#scans.get(transaction)!.step())
      case 'closeScan':
        this.#scans.get(transaction)!.close()
        return 'done'
      case 'put':
        return told(transaction.put(key, args[1]!))
      case 'delete':
        return told(transaction.delete(key))
      case 'deleteRange':
        return told(transaction.deleteRange(rangeOf(args[0]!)))
      case 'savepoint':
        transaction.savepoint()
        return 'done'
      case 'rollbackTo':
      case 'release':
        transaction.endSavepoint(verb === 'release')
        return 'done'
      case 'rollback':
        transaction.rollback()
        return 'done'
      case 'commit':
        return transaction.commit().then((outcome) => {
          if (outcome === 'refused') return explain(outcome)
          return transaction.record.commit === undefined ? 'done' : String(transaction.record.commit - this.#base)
        })
      default:
        throw new Error(`no such step: ${verb}`)
    }
  }

  async #scan(transaction: AuditedTransaction, args: readonly string[]): Promise<StepOutcome> {
    const limit = args.indexOf('limit')
    const scan = transaction.openScan(rangeOf(args[0]!), {
      reverse: args.includes('reverse'),
      ...(limit < 0 ? {} : { limit: Number(args[limit + 1]) }),
    })
    const rows: string[] = []
    while (!scan.isOver) {
      if ((await scan.step()) === 'refused') return 'refused'
      if (transaction.lastShown !== 'nothing') rows.push(transaction.lastShown)
    }
    scan.close()
    transaction.lastShown = rows.length === 0 ? 'nothing' : rows.join(' ')
    return 'done'
  }

  #goOn(): void {
    this.#auditor.noticeDecisions()
    if (!this.#script.isHeld) this.#publish(this.#auditor.decided)
  }

  #keep(session: string, waiting: Promise<string>): void {
    this.#sessions.set(session, { transaction: this.#sessions.get(session)?.transaction, waiting })
  }

  #publish(sequence: number): void {
    if (sequence <= this.#auditor.published) return
    this.#harness.publishThrough(sequence)
    this.#auditor.onPublished(sequence)
  }
}

/** The settled text, or undefined if it is still waiting once nothing else is left to do. */
async function settledOrWaiting(outcome: Promise<string>, eachTurn: () => void): Promise<string | undefined> {
  let settled: { readonly text: string } | { readonly error: unknown } | undefined
  outcome.then(
    (text) => (settled = { text }),
    (error: unknown) => (settled = { error }),
  )
  for (let turn = 0; turn < 20 && settled === undefined; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    eachTurn()
  }
  if (settled === undefined) return undefined
  if ('error' in settled) throw settled.error
  return settled.text
}

/** An expectation that ends in a star is a beginning. */
function isExpected(shown: string, expected: string): boolean {
  return expected.endsWith('*') ? shown.startsWith(expected.slice(0, -1)) : shown === expected
}

/** Keys are written as they are; `''` is the empty key. */
function keyOf(text: string): string {
  return text === "''" ? '' : text
}

/** `a..c` is [a, c); `a..` has no upper bound; `a*` is every key that begins with a. */
function rangeOf(text: string): Interval {
  if (text.endsWith('*')) return { start: text.slice(0, -1), end: `${text.slice(0, -1)}\xff` }
  const [start, end] = text.split('..')
  return { start: start!, end: end === '' || end === undefined ? undefined : end }
}
