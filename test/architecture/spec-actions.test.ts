/** Every action of the specifications names code and is named by code, and the check can fail. */
import { actionsNamedIn, findSpecProblems, specModulesOf } from './spec-actions'
import { readTree } from './source-files'

const sources = readTree('src', '.ts')
const specs = readTree('specs', '.tla')

describe('the specifications and the source', () => {
  test('name each other, action by action', () => {
    expect(findSpecProblems(sources, specs)).toEqual([])
  })

  test('have actions at all', () => {
    const modules = specModulesOf(specs)
    expect([...modules.keys()]).toEqual(
      expect.arrayContaining(['SSI', 'MVCC', 'WalCommit', 'ManifestFlush', 'Compaction', 'Storage']),
    )
    expect(modules.get('SSI')!.actions.size).toBeGreaterThan(15)
    expect(modules.get('SSI')!.actions).toContain('Commit')
  })
})

describe('the check of spec actions', () => {
  const module = [
    '(* Environment: Crash *)',
    'Numbers == 1..3',
    'Add(t, numbers) ==',
    "  x' = x + t",
    'Stop == x = 3',
    'Crash ==',
    "  x' = 0",
    'Next ==',
    '  \\/ \\E t \\in Numbers : Add(t, Numbers)   \\* not Init',
    '  \\/ Stop',
    '  \\/ Crash',
    '',
    'Init == x = 0',
    '',
  ].join('\n')
  const check = (text: string, spec = module): string[] =>
    findSpecProblems(new Map([['src/base/a.ts', text]]), new Map([['specs/M.tla', spec]]))

  test('accepts a module whose actions are all named', () => {
    expect(check('/**\n * Adds. Spec: M!Add,\n * M!Stop.\n */')).toEqual([])
  })

  test.each([
    ['an action without code', '/** Spec: M!Add. */', 'M!Stop has no code'],
    [
      'a name that is no action',
      '/** Spec: M!Add, M!Stop, M!Init. */',
      'src/base/a.ts names M!Init, which is no action',
    ],
    [
      'a module that does not exist',
      '/** Spec: M!Add, M!Stop, N!Add. */',
      'src/base/a.ts names N!Add, which is no action',
    ],
    ['code for the environment', '/** Spec: M!Add, M!Stop, M!Crash. */', 'M!Crash is of the environment, yet has code'],
  ])('refuses %s', (_what, text, problem) => {
    expect(check(text)).toEqual([problem])
  })

  test('refuses an action of the environment that does not exist', () => {
    expect(
      check('/** Spec: M!Add, M!Stop, M!Crash. */', module.replace('Environment: Crash', 'Environment: Fire')),
    ).toEqual(['M has no action Fire for its environment'])
  })

  test('reads names from comments as they are written', () => {
    expect(actionsNamedIn('/**\n * A. Spec: SSI!Read, MVCC!Read. Pinned by test/a.\n */\n// Spec: SSI!Write')).toEqual([
      'SSI!Read',
      'MVCC!Read',
      'SSI!Write',
    ])
  })
})
