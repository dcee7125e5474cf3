/**
 * `node scripts/bundle.ts DIST`, after the compiler: makes `DIST/program`, the program `cortex` with its packages in few files,
 * and has `DIST/bin/main.js` begin it. From 1,500 modules a gateway starts in twice the time and with a third more of memory.
 * What programs import, and the processes that the program starts, stay as the compiler made them. See
 * docs/decisions/0002-node-24-and-type-stripping.md.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type RolldownOutput, rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const [dist = join(root, 'dist')] = process.argv.slice(2)

/** Those with native parts, that find files beside themselves or load by name; and what is used too seldom to be tried here. */
const OUTSIDE = [
  ...['classic-level', 'dockerode', 'fs-native-extensions', 'pino', 'swagger-ui-dist', 'systeminformation', 'ws'],
  ...['acme-client', 'age-encryption', '@opentelemetry/exporter-trace-otlp-http', '@opentelemetry/resources'],
  ...['@libp2p/upnp-nat', '@opentelemetry/sdk-trace', 'cli-table3'],
]

const bundle = await rolldown({
  input: { main: join(root, 'bin/main.ts') },
  cwd: root,
  platform: 'node',
  transform: { target: 'node22' },
  external: (id) => id.startsWith('node:') || OUTSIDE.some((name) => id === name || id.startsWith(`${name}/`)),
  plugins: [{ name: 'where-modules-were', transform: (code, id) => placed(code, relative(root, id)) }],
})
const output = await bundle.write({
  dir: join(dist, 'program'),
  cleanDir: true,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
})
writeFileSync(join(dist, 'bin/main.js'), "import '../program/main.js'\n")
writeFileSync(join(dist, 'program/LICENSES.txt'), termsOf(output))

/**
 * What a module asks of its own place is answered with where the compiler puts it.
 * @throws where a package asks: what it looks for does not lie beside the bundle
 */
function placed(code: string, path: string): string | null {
  if (path.startsWith('node_modules')) {
    const text = code.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    const [asks] =
      /\bimport\.meta\.(?:url|dirname|filename|resolve)|\b__(?:dir|file)name\b|\bcreateRequire\b/.exec(text) ?? []
    if (asks !== undefined) throw new Error(`${path} has ${asks}: name its package in OUTSIDE`)
    return null
  }
  // The bundler's own begin with a zero.
  if (!/^[a-z]/.test(path) || !code.includes('import.meta')) return null
  const own = `/../${path.replace(/\.ts$/, '.js')}`
  return code
    .replaceAll('import.meta.dirname', `(import.meta.dirname + '${own.slice(0, own.lastIndexOf('/'))}')`)
    .replaceAll('import.meta.filename', `(import.meta.dirname + '${own}')`)
    .replaceAll('import.meta.url', `new URL('.${own}', import.meta.url).href`)
}

/** The terms of every package of which something is in the bundle. */
function termsOf({ output }: RolldownOutput): string {
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
  const folders = modules.flatMap((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
  const parts = [...new Set(folders)].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file))
    const texts = files.toSorted().map((file) => readFileSync(join(folder, file), 'utf8').trim())
    return [`${name}@${version}\n${license}`, ...texts].join('\n\n')
  })
  return `${parts.join(`\n\n${'='.repeat(78)}\n\n`)}\n`
}
