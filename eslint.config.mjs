// Lint as configuration: strict type-checked TypeScript, the layer table, and nothing nondeterministic outside the door.
//
// The rules about layers and about packages are derived from config/layers.json; to change a layer, change the table.
// test/architecture checks the same table over every import (this plugin misses type-only circles and import() types),
// and test/architecture/lint.test.ts shows that each ban below fires.
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import importX from 'eslint-plugin-import-x'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const root = import.meta.dirname
const table = JSON.parse(readFileSync(`${root}/config/layers.json`, 'utf8'))
const packages = Object.keys(JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).dependencies)

/** The files of a row: a root file, or a folder without the rows nested in it. */
const filesOf = (path) => (path.endsWith('.ts') ? `src/${path}` : `src/${path}/**/*.ts`)
const nestedIn = (path) => table.layers.filter((other) => other.path.startsWith(`${path}/`))

const zones = table.layers.flatMap(({ path, mayImport }) => {
  const target = path.endsWith('.ts') || nestedIn(path).length === 0 ? `./src/${path}` : `./src/${path}/*.ts`
  const message = `The layer table (config/layers.json) lets src/${path} import itself and: ${mayImport.join(', ') || 'nothing'}.`
  const visible = [path, ...mayImport]
  const hidden = visible.flatMap(nestedIn).filter((nested) => !visible.includes(nested.path))
  return [
    { target, from: './src', except: visible.map((name) => `./${name}`), message },
    ...hidden.map((nested) => ({ target, from: `./src/${nested.path}`, message })),
  ]
})

/** Which packages and built-in modules the files of a row may import; `node:*` lets in every built-in module. */
function restrictedImports(allowed) {
  const why = 'Only what config/layers.json allows this file. The world is reached through src/runtime.'
  const builtins = builtinModules.flatMap((name) => (name.startsWith('node:') ? [name] : [name, `node:${name}`]))
  const banned = [...(allowed.includes('node:*') ? [] : builtins), ...packages].filter(
    (name) => !allowed.includes(name),
  )
  return ['error', { paths: banned.map((name) => ({ name, message: why })) }]
}
const importRules = [...table.layers, ...table.exceptions].map(({ path }) => {
  const covers = (row) => path === row.path || path.startsWith(`${row.path}/`)
  const layer = table.layers.filter(covers).sort((a, b) => b.path.length - a.path.length)[0]
  const allowed = [layer, ...table.exceptions.filter(covers)].flatMap((row) => row.packages)
  return { files: [filesOf(path)], rules: { 'no-restricted-imports': restrictedImports(allowed) } }
})

const door = 'Nondeterministic: only src/runtime/node may reach it, everything else goes through the Runtime.'
const nondeterministicGlobals = [
  ...['Date', 'performance', 'process', 'crypto', 'Intl', 'WeakRef', 'FinalizationRegistry', 'fetch', 'WebAssembly'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ...['globalThis', 'global', 'console', 'BroadcastChannel', 'MessageChannel'],
].map((name) => ({ name, message: door }))

const nondeterministicProperties = [
  { object: 'Math', property: 'random', message: door },
  { object: 'Promise', property: 'race', message: 'The loser is forgotten and the winner depends on timing.' },
  { object: 'Promise', property: 'any', message: 'The winner depends on timing.' },
  { object: 'AbortSignal', property: 'timeout', message: door },
  { object: 'Atomics', property: 'wait', message: door },
  { object: 'Atomics', property: 'waitAsync', message: door },
  ...['localeCompare', 'toLocaleString', 'toLocaleLowerCase', 'toLocaleUpperCase'].map((property) => ({
    property,
    message: 'Depends on the machine: compare strings with < and bytes with compareBytes.',
  })),
]

const shape = [
  { selector: 'TSEnumDeclaration', message: 'No enums: a union of literals, or a const object for values on disk.' },
  {
    selector: ':matches(ClassDeclaration, ClassExpression)[superClass]:not([superClass.name=/Error$/])',
    message: 'No inheritance but for errors.',
  },
  {
    selector:
      ':matches(PropertyDefinition, MethodDefinition:not([kind="constructor"]), TSParameterProperty)[accessibility="private"]',
    message: 'Use a #private field: it is private at run time and vanishes from the published types.',
  },
]
const nondeterministicSyntax = [
  { selector: 'ForInStatement', message: 'Iterate a Map, a Set or an array: never the keys of a plain object.' },
  {
    selector:
      'NewExpression[callee.name="PQueue"] > ObjectExpression > Property[key.name=/^(timeout|interval|intervalCap|carryoverIntervalCount|carryoverConcurrencyCount|strict)$/]',
    message: 'p-queue is deterministic only without timeouts and intervals.',
  },
  {
    selector:
      'CallExpression[callee.property.name=/^add(All)?$/] > ObjectExpression > Property[key.name=/^(timeout|signal)$/]',
    message: 'p-queue is deterministic only without timeouts and signals.',
  },
  {
    selector:
      ':matches(NewExpression[callee.name="LRUCache"], CallExpression) > ObjectExpression > Property[key.name=/^ttl/]',
    message: 'lru-cache is deterministic only without a time to live.',
  },
]
const barrel = [{ selector: 'ExportAllDeclaration', message: 'No barrels but src/index.ts.' }]

export default defineConfig(
  {
    ignores: ['dist/', 'coverage/', 'bench/*/', '!bench/support/', 'test/package/projects/', '**/fixtures/', 'specs/'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    settings: {
      'import-x/resolver-next': [createTypeScriptImportResolver({ project: `${root}/tsconfig.json` })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      'import-x/no-default-export': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-duplicates': ['error', { 'prefer-inline': false }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'no-restricted-syntax': ['error', ...shape, ...barrel],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Under noUncheckedIndexedAccess `array[index]!` is how a proven bound is written on a hot path.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Numbers and booleans print the same everywhere; bytes and objects still have to be formatted by name.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // It takes a field for unchanged across an await, and a caller's JavaScript for type-checked: at a boundary and
      // after an await the conditions it calls unnecessary are the ones that matter.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // `async` without await turns a throw into a rejection, which is what a contract that returns a promise promises.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-expressions': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'import-x/no-restricted-paths': ['error', { basePath: root, zones }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: false, skipComments: false }],
      'no-console': 'error',
      'no-restricted-globals': ['error', ...nondeterministicGlobals],
      'no-restricted-properties': ['error', ...nondeterministicProperties],
      'no-restricted-syntax': ['error', ...shape, ...barrel, ...nondeterministicSyntax],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
    },
  },
  ...importRules,
  { files: ['src/index.ts'], rules: { 'no-restricted-syntax': ['error', ...shape, ...nondeterministicSyntax] } },
  {
    // The door itself. It still may not use locale or lose a race.
    files: ['src/runtime/node/**/*.ts'],
    rules: {
      'no-restricted-globals': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': ['error', ...shape, ...barrel],
    },
  },
  {
    // Commands run outside the simulated world: they may ask for the time and wait. The process itself is behind a Terminal, so that
    // each command runs in a test's process too. They still may not use locale or lose a race.
    files: ['src/cli/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'process', message: 'Through the Terminal, of which tests have one of their own.' },
        { name: 'console', message: 'Through the Terminal, of which tests have one of their own.' },
      ],
      'no-restricted-properties': [
        'error',
        ...nondeterministicProperties.filter(
          ({ object, property }) => object === 'Promise' || property.startsWith('to'),
        ),
        { property: 'localeCompare', message: 'Depends on the machine: compare strings with <.' },
      ],
    },
  },
  { files: ['src/cli/entry.ts', 'src/cli/**/*terminal.ts'], rules: { 'no-restricted-globals': 'off' } },
  {
    // A unit test reaches into whatever it likes, and one description is one function.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
)
