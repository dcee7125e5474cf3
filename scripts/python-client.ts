/**
 * What of `clients/python` is made: `npm run gen` writes its types from the API's document, and the code that waits for
 * nothing (`_sync`) from the code that can (`_async`). A test holds both against their sources.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { sandboxFields } from '../gateway/client/waiting.ts'
import { pythonTypes } from './python/types.ts'
import { type ApiDocument, readGateway } from './reference/read-gateway.ts'

const FOLDER = new URL('../clients/python/', import.meta.url)
const PACKAGE = 'src/cortex_client'

/** What the package’s API is called where nothing is awaited. */
const WORDS: [async: RegExp, sync: string][] = [
  [
    / The files of `_sync` are made from these by `npm run gen`\./,
    ' Made from the file of this name in `_async` by `npm run gen`.',
  ],
  [/The client that is awaited\./, 'The client that waits for each answer.'],
  [/\basync (def|for|with)\b/g, '$1'],
  [/\bawait /g, ''],
  [/\bAsync(Client|CortexClient|Jobs|JobFiles|Batches|Sandbox|SandboxFiles|Transport|Iterator|Iterable)\b/g, '$1'],
  [/\bAsyncGenerator\[(.*?), None\]/g, 'Generator[$1, None, None]'],
  [/\bAsyncGenerator\b/g, 'Generator'],
  [/\b__a(enter|exit|iter|next)__\b/g, '__$1__'],
  [/\bStopAsyncIteration\b/g, 'StopIteration'],
  [/\baiter_(raw|bytes)\b/g, 'iter_$1'],
  [/\baclose\b/g, 'close'],
  [/\baread\b/g, 'read'],
  [/\basynccontextmanager\b/g, 'contextmanager'],
  [/\bcontextlib\.aclosing\b/g, 'contextlib.closing'],
  [/\bimport asyncio\n/, 'import time\n'],
  [/\basyncio\.sleep\b/g, 'time.sleep'],
]

/** The code that waits for nothing. @param source of the code that can */
function withoutWaiting(source: string): string {
  return WORDS.reduce((text, [from, to]) => text.replace(from, to), source)
}

/** What a machine to work in does while nobody uses it, without its last word. */
function waitingWords(): string {
  const words = sandboxFields().command.slice(0, -1)
  return `"""Made from \`gateway/client/waiting.ts\` by \`npm run gen\`."""

#: What a machine to work in does; what follows is for how many seconds it may be idle.
WAITING = ${JSON.stringify(words)}
`
}

/** Every file that is made, by its path in `clients/python`: its version is that of the program. */
export async function madeFiles(document: ApiDocument): Promise<Record<string, string>> {
  const names = (await readdir(new URL(`${PACKAGE}/_async/`, FOLDER))).filter((name) => name.endsWith('.py'))
  const sources = names.map(async (name) => [
    `${PACKAGE}/_sync/${name}`,
    withoutWaiting(await readFile(new URL(`${PACKAGE}/_async/${name}`, FOLDER), 'utf8')),
  ])
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  const project = await readFile(new URL('pyproject.toml', FOLDER), 'utf8')
  return {
    'pyproject.toml': project.replace(/^version = ".*"$/m, `version = "${version}"`),
    [`${PACKAGE}/types.py`]: pythonTypes(document),
    [`${PACKAGE}/_waiting.py`]: waitingWords(),
    ...Object.fromEntries(await Promise.all(sources)),
  }
}

if (import.meta.main) {
  const { document } = await readGateway()
  for (const [name, text] of Object.entries(await madeFiles(document))) await writeFile(new URL(name, FOLDER), text)
}
