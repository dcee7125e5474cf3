/**
 * Makes `dist-client/`, the npm package `cortex-client`: what `cortex-node/client` is, without the rest. Its code is one
 * file that loads nothing but a parser of event streams; its types are written out, so that they need no package either.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { build } from 'vite'

const root = join(import.meta.dirname, '..')
const client = join(root, 'gateway', 'client')
const out = process.argv[2] ?? join(root, 'dist-client')
/** Within the project, so that the packages of the types are found. */
const work = join(root, '.cache', `client-types-${process.pid}`)
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown> & {
  dependencies: Record<string, string>
}
const PARSER = 'eventsource-parser'

rmSync(out, { recursive: true, force: true })
rmSync(work, { recursive: true, force: true })
mkdirSync(work, { recursive: true })

await build({
  configFile: false,
  root,
  logLevel: 'error',
  publicDir: false,
  build: {
    outDir: out,
    emptyOutDir: true,
    target: 'es2023',
    minify: false,
    lib: { entry: join(client, 'index.ts'), formats: ['es'], fileName: () => 'index.js' },
    rolldownOptions: { external: [PARSER] },
  },
})

const types = readFileSync(join(client, 'types.ts'), 'utf8')
const declared = declarationsOf(types)
writeFileSync(
  join(work, 'shown.ts'),
  [
    `import type * as types from '../../gateway/client/types.ts'`,
    // A mapped type is printed as what it comes to, not by its name.
    'declare function of<T>(): T extends T ? { [K in keyof T]: T[K] } : never',
    ...declared.filter(({ isAlias }) => isAlias).map(({ name }) => `export const ${name} = of<types.${name}>()`),
  ].join('\n'),
)
writeFileSync(
  join(work, 'tsconfig.json'),
  JSON.stringify({
    extends: '../../tsconfig.json',
    compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: 'out', rootDir: '../..' },
    include: ['shown.ts', '../../gateway/client/index.ts', '../../node/store/libraries.d.ts'],
    exclude: [],
  }),
)
execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', work], { stdio: 'inherit' })

for (const file of globSync(join(work, 'out', 'gateway', 'client', '*.d.ts'))) {
  const text = basename(file) === 'types.d.ts' ? writtenOut() : readFileSync(file, 'utf8')
  writeFileSync(join(out, basename(file)), text.replaceAll(/(from '\.\/[a-z-]+)\.ts'/g, "$1.js'"))
}
for (const packed of ['p-retry', 'is-network-error']) {
  cpSync(join(root, 'node_modules', packed, 'license'), join(out, `LICENSE-${packed}`))
}
cpSync(join(root, 'LICENSE'), join(out, 'LICENSE'))
writeFileSync(join(out, 'README.md'), readFileSync(join(client, 'README.md')))
writeFileSync(
  join(out, 'package.json'),
  `${JSON.stringify(
    {
      name: 'cortex-client',
      version: own.version,
      description:
        'The API of a Cortex gateway for programs: submit containers to a peer-to-peer market and follow them.',
      license: own.license,
      type: 'module',
      exports: { '.': { types: './index.d.ts', default: './index.js' }, './package.json': './package.json' },
      sideEffects: false,
      dependencies: { [PARSER]: own.dependencies[PARSER] },
    },
    null,
    2,
  )}\n`,
)
rmSync(work, { recursive: true })

interface Declared {
  name: string
  /** Whether it is another name of a type, and no interface. */
  isAlias: boolean
  text: string
}

/** What the file declares for others, in order; what stands before each, such as its docstring, with it. */
function declarationsOf(source: string): Declared[] {
  const { program } = parseSync('types.ts', source)
  let end = 0
  return program.body.flatMap((node): Declared[] => {
    const text = source.slice(end, node.end)
    end = node.end
    if (node.type !== 'ExportNamedDeclaration') return []
    if (node.declaration === null) {
      return node.specifiers.map(({ local }) => {
        const name = 'name' in local ? local.name : local.value
        return { name, isAlias: true, text: `\nexport type ${name} = …` }
      })
    }
    const { declaration } = node
    if (declaration.type === 'TSInterfaceDeclaration') return [{ name: declaration.id.name, isAlias: false, text }]
    if (declaration.type !== 'TSTypeAliasDeclaration') throw new Error(`types.ts declares a ${declaration.type}`)
    return [{ name: declaration.id.name, isAlias: true, text }]
  })
}

/** The types, each alias as what it stands for. */
function writtenOut(): string {
  const shown = readFileSync(join(work, 'out', '.cache', basename(work), 'shown.d.ts'), 'utf8')
  const meaning = new Map(
    shown.split(/^export declare const /m).map((part) => {
      const at = part.indexOf(': ')
      return [part.slice(0, at), part.slice(at + 2).trim()] as const
    }),
  )
  return declared
    .map(({ name, isAlias, text }) => {
      if (!isAlias) return text
      const written = meaning.get(name)
      if (written === undefined || /\b(?:z|types)\.|typeof |import\(/.test(written)) {
        throw new Error(`The type ${name} cannot be written out: ${written}`)
      }
      return `${text.slice(0, text.indexOf(`export type ${name}`))}export type ${name} = ${written}`
    })
    .join('\n')
}
