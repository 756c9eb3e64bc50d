/**
 * Decision records against the tests that hold them.
 *
 * A record (docs/decisions/NNNN-title.md) ends in one or more lines `Pinned by: <test file> "<test name>"`. The file must
 * exist and declare a test (or a group of tests) of exactly that name: what is decided cannot silently stop being so.
 */
import ts from 'typescript'

/** One pin as written. */
export interface Pin {
  readonly file: string
  readonly name: string
}

/** Every pin of a record; a line that begins like a pin but cannot be read as one has an empty file. */
export function pinsOf(record: string): Pin[] {
  return record
    .split('\n')
    .filter((line) => /^\s*(?:[-*]\s+)?Pinned by:/.test(line))
    .map((line) => {
      const match = /Pinned by: `?(\S+?)`? "(.+)"\s*$/.exec(line)
      return { file: match?.[1] ?? '', name: match?.[2] ?? '' }
    })
}

/** The names of the tests and groups of tests that a test file declares as literals. */
export function testNamesOf(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS)
  const names: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTestCall(node.expression)) {
      const name = node.arguments.at(0)
      if (name !== undefined && ts.isStringLiteralLike(name)) names.push(name.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return names
}

/** `test`, `it` and `describe`, also as `test.each(...)`; not those that are skipped. */
function isTestCall(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return ['test', 'it', 'describe'].includes(callee.text)
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text === 'each' && isTestCall(callee.expression)
  if (ts.isCallExpression(callee)) return isTestCall(callee.expression)
  return ts.isTaggedTemplateExpression(callee) && isTestCall(callee.tag)
}

/**
 * One sentence for each record that is named badly or has no pin, and each pin that names no test.
 * `readTest` gives the text of a file, or undefined where there is none.
 */
export function findBrokenPins(
  records: ReadonlyMap<string, string>,
  readTest: (file: string) => string | undefined,
): string[] {
  return [...records].flatMap(([record, text]) => {
    const pins = pinsOf(text)
    const broken = pins.flatMap(({ file, name }) => {
      if (file === '') return [`${record} has a line "Pinned by:" that cannot be read`]
      const source = readTest(file)
      if (source === undefined) return [`${record} is pinned by ${file}, which does not exist`]
      return testNamesOf(file, source).includes(name) ? [] : [`${record} is pinned by "${name}", not found in ${file}`]
    })
    const named = /^(.*\/)?\d{4}-[a-z0-9-]+\.md$/.test(record) ? [] : [`${record} is not named NNNN-title.md`]
    return [...named, ...(pins.length === 0 ? [`${record} is pinned by no test`] : []), ...broken]
  })
}
