/**
 * The outside of a process that measures: starts it, gives it one order at a time, ends it.
 *
 * The inside is serve-cases.ts.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'
import type { Answer, Order, Start } from './case-contract'
import type { Sample } from './figures'

/** One process; a mistake in it becomes a rejection here. */
export class MeasuringChild {
  readonly #name: string
  readonly #child: ChildProcess
  #answered: ((answer: Answer) => void) | undefined
  #hasEnded = false

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    child.on('message', (answer: Answer) => this.#answer(answer))
    child.on('exit', (code, signal) => {
      this.#hasEnded = true
      this.#answer({ failure: `the process ended with ${String(code ?? signal)}` })
    })
  }

  /** Starts `module` of this directory, or a built `.js` by its path, and has it set up. Rejects if that fails. */
  static async start(
    module: string,
    start: Start,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<MeasuringChild> {
    const isBuilt = module.endsWith('.js')
    const register = isBuilt ? [] : ['-r', require.resolve('ts-node/register/transpile-only')]
    const child = fork(isBuilt ? module : path.join(__dirname, `${module}.ts`), [], {
      execArgv: ['--expose-gc', ...register],
      // As an application runs: in development the store also notes where transactions were begun.
      env: { ...process.env, ...environment, NODE_ENV: 'production' },
    })
    const started = new MeasuringChild(start.process, child)
    try {
      await started.#order({ start })
    } catch (error) {
      await started.end()
      throw error
    }
    return started
  }

  /** Has it measure one case. Rejects with its failure, or if the process ends. */
  async measure(name: string, ms: number): Promise<Sample> {
    const answer = await this.#order({ run: name, ms })
    if (!('sample' in answer)) throw new Error(`Cannot measure ${name}: process ${this.#name} did not answer`)
    return answer.sample
  }

  /** Has the process close what it opened. */
  async end(): Promise<void> {
    if (this.#hasEnded) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.connected) this.#child.disconnect()
    await ended
  }

  /** Kills it as `kill -9` does; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
  }

  async #order(order: Order): Promise<Answer> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#answered = resolve
      if (this.#hasEnded) this.#answer({ failure: 'the process has ended' })
      else this.#child.send(order)
    })
    if ('failure' in answer) throw new Error(`Process ${this.#name} failed: ${answer.failure}`)
    return answer
  }

  #answer(answer: Answer): void {
    const answered = this.#answered
    this.#answered = undefined
    answered?.(answer)
  }
}
