/**
 * Golden schedules in a small readable format: one step a line, what it must give after an arrow.
 *
 *     # Why this schedule matters.
 *     setup: x=0 y=0
 *     --- title of a case
 *     T: begin                     also: begin readOnly, begin deferrable, begin snapshot
 *     T: get x -> 0                also: getForUpdate k; scan a..c [reverse] [limit n] -> a=1 b=2; 'nothing', 'none'
 *     T: openScan a..c             then T: next -> a=1, one row a step, and T: closeScan
 *     U: put x 1                   also: delete k, deleteRange a..c, savepoint, rollbackTo, release, rollback
 *     db: get x -> waits           a lone read by the session of that name; later: db: answer -> 1
 *     T: commit -> 1               sequences count from the end of the setup
 *     P: publish 1                 'hold' in the head: nothing is published but by such lines; otherwise everything at once
 *     U: commit -> SerializationError cycle
 *
 * In the head: `hold`, `limits: name=value ...`, `memory only` (no other storage is tried).
 */

/** One step. */
export interface ScriptStep {
  readonly line: number
  readonly session: string
  readonly verb: string
  readonly args: readonly string[]
  /** What stands after the arrow; undefined: it is done, whatever it shows. */
  readonly expected: string | undefined
}

/** One case of a script. */
export interface ScriptCase {
  readonly title: string
  readonly steps: readonly ScriptStep[]
}

/** A whole file. */
export interface Script {
  readonly setup: readonly (readonly [key: string, value: string])[]
  readonly isHeld: boolean
  readonly isMemoryOnly: boolean
  readonly limits: Readonly<Record<string, number>>
  readonly cases: readonly ScriptCase[]
}

/** Reads a script. Throws on a line it does not understand. */
export function parseScript(text: string): Script {
  const setup: [string, string][] = []
  const limits: Record<string, number> = {}
  const cases: { title: string; steps: ScriptStep[] }[] = []
  let isHeld = false
  let isMemoryOnly = false
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/(^|\s)#.*$/, '').trim()
    if (line === '') return
    const current = cases.at(-1)
    if (line.startsWith('---')) cases.push({ title: line.slice(3).trim(), steps: [] })
    else if (current !== undefined) current.steps.push(parseStep(line, index + 1))
    else if (line === 'hold') isHeld = true
    else if (line === 'memory only') isMemoryOnly = true
    else if (line.startsWith('setup:')) setup.push(...pairsOf(line.slice('setup:'.length)))
    else if (line.startsWith('limits:')) {
      for (const [name, value] of pairsOf(line.slice('limits:'.length))) limits[name] = Number(value)
    } else throw new Error(`line ${index + 1} of the script's head is not understood: ${line}`)
  })
  if (cases.length === 0) throw new Error('a script has at least one case')
  return { setup, isHeld, isMemoryOnly, limits, cases }
}

function parseStep(line: string, number: number): ScriptStep {
  const match = /^(\w+): (\w+)((?: (?!->)\S+)*)(?: -> (.+))?$/.exec(line)
  if (match === null) throw new Error(`line ${number} of the script is not understood: ${line}`)
  const [, session, verb, args, expected] = match
  return { line: number, session: session!, verb: verb!, args: args!.split(' ').filter((arg) => arg !== ''), expected }
}

function pairsOf(text: string): [string, string][] {
  return text
    .trim()
    .split(/\s+/)
    .filter((pair) => pair !== '')
    .map((pair) => pair.split('=', 2) as [string, string])
}
