/**
 * `transact`: run a callback in a transaction, commit, and begin again where the transaction lost.
 *
 *   begin -> fn(tx) -> commit -> value
 *     ^        \         \
 *     |         loss      loss -- retry policy --> give up: RetriesExhaustedError
 *     +---------------------------------+
 *
 * 1. Only `SerializationError` and `DeadlockError` of the transaction itself are retried, wherever they come out: from the
 *    callback (which may have let them pass) or from the commit. A callback that swallows them commits nothing all the same.
 * 2. Anything else the callback throws rolls back and is rethrown as it is, even where the transaction had lost too.
 * 3. An unknown outcome, a broken invariant or a full disk is never retried.
 * 4. An interruption (time, signal) aborts the transaction and ends the call at once; only a decided commit is waited for.
 *
 * Pinned by test/unit/kv/transact.test.ts.
 */
import { DeadlockError, RetriesExhaustedError, SerializationError } from '../base/errors'
import type { Limits } from '../base/limits'
import type { BeginOptions, Store, StoreTransaction } from '../mvcc/contract'
import type { Runtime } from '../runtime/runtime'
import { toBeginOptions } from './call-options'
import type { TransactOptions } from './call-options'
import type { CallbackGuard } from './callback-guard'
import { Interruption } from './interruption'
import { decideRetry } from './retry-policy'
import type { RetryPolicy } from './retry-policy'
import type { TransactionRole, TransactionSetting } from './transaction'
import { Transaction, commitManaged, isOwnLoss } from './transaction'

/** What `transact` needs of its database. */
export interface TransactDoor {
  readonly runtime: Runtime
  readonly store: Store
  readonly setting: TransactionSetting
  readonly guard: CallbackGuard
  /** Told of each transaction that is begun. */
  opened(transaction: StoreTransaction): void
  /** Throws `DatabaseClosedError` once the database is closed. */
  checkOpen(): void
}

/** One call. */
export interface TransactCall<T> {
  readonly fn: (tx: Transaction) => T | PromiseLike<T>
  readonly begin: BeginOptions
  readonly policy: RetryPolicy
  readonly interruption: Interruption | undefined
  /** For messages, as in 'transact "transfer"'. */
  readonly what: string
}

/** How a call with these options runs, in a database with these limits. */
export function planTransact(
  given: TransactOptions,
  database: { readonly limits: Limits; readonly readOnly: boolean; readonly runtime: Runtime },
): Omit<TransactCall<unknown>, 'fn'> {
  const { limits, readOnly, runtime } = database
  const begin = toBeginOptions(given, readOnly)
  const what = given.label === undefined ? 'transact' : `transact "${given.label}"`
  const { timeoutMs, signal } = given
  const isBounded = timeoutMs !== undefined || signal !== undefined
  return {
    begin,
    policy: {
      attemptsMax: given.attemptsMax ?? limits.attemptsMax,
      starvationLossesMax: limits.starvationLossesMax,
      retryMsMin: limits.retryMsMin,
      retryMsMax: limits.retryMsMax,
      readOnly: begin.readOnly === true,
    },
    interruption: isBounded ? new Interruption(runtime, { timeoutMs, signal, what }) : undefined,
    what,
  }
}

/** Runs the call to its end. One function for all of an attempt: each further one would cost every call a promise. */
export async function runTransact<T>(door: TransactDoor, call: TransactCall<T>): Promise<T> {
  const { interruption } = call
  let underGate = false
  try {
    for (let attempt = 1; ; attempt++) {
      interruption?.check()
      const begun = underGate ? await beginUnderGate(door, call) : door.store.begin(call.begin)
      door.opened(begun)
      const role = attempt === 1 ? FIRST_ATTEMPT : { attempt, managed: true, deferrable: false }
      const tx = new Transaction(begun, door.setting, role)
      let isCommitting = false
      let loss: unknown
      try {
        interruption?.check()
        const running = door.guard.run(call.fn, tx)
        const value = await (interruption === undefined ? running : untilInterrupted(interruption, running, begun))
        if (begun.state === 'rolled-back') return value
        isCommitting = true
        const committing = commitManaged(tx)
        await (interruption === undefined ? committing : untilDecided(interruption, committing, begun))
        return value
      } catch (error) {
        begun.rollback()
        if (!(isCommitting ? isLoss(error) : isOwnLoss(tx, error))) throw error
        loss = error
      }
      const step = decideRetry(attempt, call.policy, door.runtime.random.fraction())
      if (step.kind === 'give-up') throw exhausted(call, attempt, loss)
      if (step.pauseMs > 0) await pauseBeforeRetry(door, call, step.pauseMs, loss)
      door.checkOpen()
      underGate = step.underGate
    }
  } finally {
    interruption?.dispose()
  }
}

const FIRST_ATTEMPT: TransactionRole = { attempt: 1, managed: true, deferrable: false }

function untilInterrupted<T>(
  interruption: Interruption,
  running: T | PromiseLike<T>,
  begun: StoreTransaction,
): Promise<T> {
  return interruption.during(asPromise(running), (error) => {
    begun.abort(error)
    return true
  })
}

/** An aborted commit rejects with `error` by itself, a decided one goes on: either way its promise tells. */
function untilDecided<T>(interruption: Interruption, committing: Promise<T>, begun: StoreTransaction): Promise<T> {
  return interruption.during(committing, (error) => {
    begun.abort(error)
    return false
  })
}

/** Whether a commit has lost, and beginning again can help. */
function isLoss(error: unknown): boolean {
  return error instanceof SerializationError || error instanceof DeadlockError
}

async function beginUnderGate<T>(door: TransactDoor, call: TransactCall<T>): Promise<StoreTransaction> {
  const waiting = door.store.beginUnderGate(call.begin)
  if (call.interruption === undefined) return waiting.result
  return call.interruption.during(waiting.result, (error) => {
    waiting.cancel(error)
    return false
  })
}

/** Pauses; after the loss of a declared reader until what beat it is published, so that the retry begins above it. */
async function pauseBeforeRetry<T>(
  door: TransactDoor,
  call: TransactCall<T>,
  pauseMs: number,
  loss: unknown,
): Promise<void> {
  const needed = call.policy.readOnly ? newestCommit(loss) : 0
  for (let pauses = 1; ; pauses++) {
    await pause(door, call, pauseMs)
    if (needed <= 0 || pauses === PUBLISH_PAUSES_MAX || door.store.stats().published >= needed) return
  }
}

/** A poisoned log publishes no more: the next attempt then says so by itself. */
const PUBLISH_PAUSES_MAX = 32

function newestCommit(loss: unknown): number {
  let newest = 0
  if (!(loss instanceof SerializationError)) return newest
  for (const { from, to } of loss.report.cycle) newest = Math.max(newest, from.commit ?? 0, to.commit ?? 0)
  return newest
}

function pause<T>(door: TransactDoor, call: TransactCall<T>, ms: number): Promise<void> {
  let cancel = (): void => undefined
  const paused = new Promise<void>((resolve) => {
    const timer = door.runtime.scheduler.after(ms, resolve, { keepAlive: true })
    cancel = () => timer.cancel()
  })
  if (call.interruption === undefined) return paused
  return call.interruption.during(paused, () => {
    cancel()
    return true
  })
}

function asPromise<T>(value: T | PromiseLike<T>): PromiseLike<T> {
  return Promise.resolve(value)
}

function exhausted<T>(call: TransactCall<T>, attempts: number, loss: unknown): RetriesExhaustedError {
  const kind = loss instanceof DeadlockError ? 'a deadlock' : 'a conflict'
  const last = loss instanceof Error ? loss.message : String(loss)
  return new RetriesExhaustedError(
    `Cannot finish ${call.what}: it lost ${attempts} times in a row, the last time by ${kind} (${last}); ` +
      `read hot keys with getForUpdate, or raise attemptsMax`,
    attempts,
    loss,
  )
}
