/**
 * Notices the wrong handle: `db.put(...)` inside a `transact` callback, where `tx.put(...)` was meant.
 *
 * The write would go past the transaction, and a nested `transact` can wait for the one it runs in. The synchronous part
 * of a callback (up to its first await) is watched always, at no cost; under `guards: 'full'` an AsyncLocalStorage follows
 * the callback across its awaits. A continuation that outlives its callback is free again.
 *
 * What it does not do: refuse `db.begin` or `db.snapshot`, which say themselves that they are apart, or other databases.
 * Pinned by test/unit/kv/callback-guard.test.ts.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { MisuseError } from '../base/errors'

/** How far the guards reach. */
export type Guards = 'standard' | 'full'

interface Scope {
  active: boolean
}

/** The guard of one database. */
export class CallbackGuard {
  readonly #scopes: AsyncLocalStorage<Scope> | undefined
  #calling = false

  constructor(guards: Guards) {
    this.#scopes = guards === 'full' ? new AsyncLocalStorage<Scope>() : undefined
  }

  /** Runs the callback of a `transact`; while it runs, `check` refuses. */
  run<Input, Output>(fn: (input: Input) => Output | PromiseLike<Output>, input: Input): Output | PromiseLike<Output> {
    if (this.#scopes === undefined) return this.#call(fn, input)
    const scope: Scope = { active: true }
    const running = this.#scopes.run(scope, () => this.#follow(fn, input))
    const leave = (): void => {
      scope.active = false
    }
    running.then(leave, leave)
    return running
  }

  /** Throws `MisuseError` when called from inside a callback; `call` is what was called, as in "put". */
  check(call: string): void {
    if (this.#calling || this.#scopes?.getStore()?.active === true) throw wrongHandle(call)
  }

  #call<Input, Output>(fn: (input: Input) => Output, input: Input): Output {
    this.#calling = true
    try {
      return fn(input)
    } finally {
      this.#calling = false
    }
  }

  async #follow<Input, Output>(fn: (input: Input) => Output | PromiseLike<Output>, input: Input): Promise<Output> {
    return this.#call(fn, input)
  }
}

function wrongHandle(call: string): MisuseError {
  const advice =
    call === 'transact'
      ? 'a nested transaction can wait for the one around it; pass the callback\'s "tx" on instead'
      : `it would not be part of the transaction; use tx.${call} of the callback's argument`
  return new MisuseError(`Cannot call db.${call} inside a transact callback of the same database: ${advice}`)
}
