// Lints texts that stand for files with the project's configuration; for lint.test.ts.
// In: JSON [{ file, text }] on stdin. Out: JSON, the messages of each. The rules that need types are left out: they would
// ask for files that do not exist, and are not what is tested.
import { ESLint } from 'eslint'
import tseslint from 'typescript-eslint'

let input = ''
for await (const chunk of process.stdin) input += chunk
const eslint = new ESLint({
  overrideConfig: [
    tseslint.configs.disableTypeChecked,
    {
      languageOptions: { parserOptions: { projectService: false } },
      linterOptions: { reportUnusedDisableDirectives: 0 },
    },
  ],
})
const messages = []
for (const { file, text } of JSON.parse(input)) {
  const [result] = await eslint.lintText(text, { filePath: file })
  messages.push(result.messages.map(({ ruleId, message }) => ({ ruleId, message })))
}
process.stdout.write(JSON.stringify(messages))
