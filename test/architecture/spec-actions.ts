/**
 * The actions of the specifications against the source: `Spec: Module!Action, Module!Action` in a comment under src.
 *
 * An action is whatever the `Next` of a module in specs/ names and the module defines. Those that the world takes and no
 * code (a power cut) stand in the module's comment `Environment: Action, Action`.
 */
import type { Tree } from './source-files'

/** What a module can do: its actions, and which of them are the environment's. */
export interface SpecModule {
  readonly actions: ReadonlySet<string>
  readonly environment: ReadonlySet<string>
}

/** The modules by name; a module without `Next` only serves others and has no actions. */
export function specModulesOf(files: Tree): Map<string, SpecModule> {
  const modules = new Map<string, SpecModule>()
  for (const [file, text] of files) {
    const name = /([^/]+)\.tla$/.exec(file)?.[1]
    if (name !== undefined) modules.set(name, readModule(text))
  }
  return modules
}

function readModule(text: string): SpecModule {
  const defined = new Set([...text.matchAll(/^(\w+)(?:\([^)]*\))? ==/gm)].map((match) => match[1]!))
  const next = /^Next ==\n((?:.*\S.*\n)*)/m.exec(text)?.[1] ?? ''
  // What is left of it without comments, quantifiers and arguments.
  const bare = next
    .replace(/\\\*.*$/gm, '')
    .replace(/\\E [^:]*:/g, '')
    .replace(/\([^()]*\)/g, '')
  const named = [...bare.matchAll(/\w+/g)].map(([word]) => word)
  const environment = /Environment: ([\w, ]+)/.exec(text)?.[1]?.split(', ') ?? []
  return {
    actions: new Set(named.filter((word) => defined.has(word))),
    environment: new Set(environment.map((word) => word.trim())),
  }
}

/** The actions that the comments of a source file name, each as `Module!Action`. */
export function actionsNamedIn(text: string): string[] {
  const plain = text.replace(/^\s*(\/\*\*?|\*\/|\*|\/\/)/gm, ' ').replace(/\s+/g, ' ')
  return [...plain.matchAll(/\bSpec: ((?:\w+!\w+(?:, )?)+)/g)].flatMap((match) => match[1]!.split(', ').filter(Boolean))
}

/** One sentence for each name that is no action, each action without code, and each action of the environment with code. */
export function findSpecProblems(sources: Tree, specs: Tree): string[] {
  const modules = specModulesOf(specs)
  const realised = new Set<string>()
  const problems: string[] = []
  for (const [file, text] of sources) {
    for (const name of actionsNamedIn(text)) {
      const [module, action] = name.split('!') as [string, string]
      realised.add(name)
      if (modules.get(module)?.actions.has(action) !== true) problems.push(`${file} names ${name}, which is no action`)
    }
  }
  for (const [module, { actions, environment }] of modules) {
    for (const action of environment) {
      if (!actions.has(action)) problems.push(`${module} has no action ${action} for its environment`)
    }
    for (const action of actions) {
      if (environment.has(action) === realised.has(`${module}!${action}`)) {
        problems.push(
          `${module}!${action} ${environment.has(action) ? 'is of the environment, yet has' : 'has no'} code`,
        )
      }
    }
  }
  return problems
}
