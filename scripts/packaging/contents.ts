/**
 * What a package holds, as CycloneDX lists it, and under which terms: what the program loads, what the dashboard's pages
 * were made of, and Node.
 */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './files.ts'

const root = join(import.meta.dirname, '../..')

interface Component {
  'bom-ref': string
  name: string
  version: string
  scope?: string
  licenses?: ({ license?: { id?: string; name?: string } } | { expression: string })[]
  properties?: { name: string; value: string }[]
}

interface Bom {
  serialNumber: string
  metadata: { timestamp: string; component: Component & { type: string } }
  components: Component[]
  dependencies: { ref: string; dependsOn?: string[] }[]
}

interface Locked {
  version?: string
  dev?: boolean
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** Both as the text of a file. */
export interface Contents {
  /** CycloneDX 1.5, JSON. */
  sbom: string
  /** The terms of everything that is not the project's own. */
  licences: string
}

/**
 * @param installed folder with the program's `package.json`, its lock file and `node_modules`
 * @param node folder of Node, with its `LICENSE`
 */
export async function describeContents(
  installed: string,
  node: { version: string; folder: string },
  epoch: number,
): Promise<Contents> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>
  }
  const program = Object.keys(lock.packages).filter((path) => path !== '' && lock.packages[path]?.dev !== true)
  const pages = dashboardPackages(lock.packages)
  const folders = new Map<string, string>()
  for (const path of pages) folders.set(path, join(root, path))
  for (const path of program) folders.set(path, join(installed, path))
  const idOf = (path: string): string => `${nameOf(path)}@${lock.packages[path]?.version}`

  const options = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx']
  const bom = JSON.parse(await run('npm', options, { cwd: installed })) as Bom
  const kept = new Set([...folders.keys()].map(idOf))
  const own = bom.metadata.component
  bom.metadata.timestamp = new Date(epoch * 1_000).toISOString()
  Object.assign(own, { name: 'cortex-node', type: 'application' })
  bom.components = bom.components.filter((one) => kept.has(one['bom-ref']))
  const inPages = new Set([...pages].filter((path) => !program.includes(path)).map(idOf))
  for (const one of bom.components) {
    one.scope = 'required'
    one.properties = inPages.has(one['bom-ref']) ? [{ name: 'cortex:part', value: 'dashboard' }] : []
  }
  const nodeRef = `node@${node.version}`
  bom.components.push({
    ...{ type: 'application', 'bom-ref': nodeRef, name: 'node', version: node.version, scope: 'required' },
    ...{ purl: `pkg:generic/node@${node.version}`, licenses: [{ license: { id: 'MIT' } }] },
  } as Component)
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => ref === own['bom-ref'] || kept.has(ref))
    .map(({ ref, dependsOn = [] }) => ({
      ref,
      dependsOn: [...dependsOn.filter((to) => kept.has(to)), ...(ref === own['bom-ref'] ? [nodeRef] : [])].sort(),
    }))
  const digest = createHash('sha256').update(JSON.stringify(bom.components)).digest('hex')
  bom.serialNumber = `urn:uuid:${asUuid(digest)}`

  return {
    sbom: `${JSON.stringify(bom, null, 2)}\n`,
    licences: await termsOf(folders, idOf, node),
  }
}

/** Paths in the lock file of what the dashboard's pages may hold: what its code names, and what that asks for in turn. */
function dashboardPackages(packages: Record<string, Locked>): Set<string> {
  const found = new Set<string>()
  const take = (name: string, from: string): void => {
    const path = resolveIn(packages, name, from)
    if (path === null || found.has(path)) return
    found.add(path)
    const { dependencies = {}, peerDependencies = {} } = packages[path] ?? {}
    for (const next of Object.keys({ ...dependencies, ...peerDependencies })) take(next, path)
  }
  for (const file of globSync('gateway/{dashboard/src,client,contract}/**/*.{ts,tsx}', { cwd: root })) {
    for (const name of namesIn(file)) take(name, '')
  }
  return found
}

const texts = new Map<string, string[]>()

function namesIn(file: string): string[] {
  const known = texts.get(file)
  if (known !== undefined) return known
  const text = readFileSync(join(root, file), 'utf8')
  const names = [...text.matchAll(/(?:from|import)\s*\(?\s*'((?:@[\w.-]+\/)?[\w][\w.-]*)/g)].map(
    ([, name = '']) => name,
  )
  texts.set(file, names)
  return names
}

/** As Node looks for it: beside whoever asks, then further out. Null for what is no package, such as Node's own modules. */
function resolveIn(packages: Record<string, Locked>, name: string, from: string): string | null {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const path = `${place === '' ? '' : `${place}/`}node_modules/${name}`
    if (packages[path] !== undefined) return path
    if (place === '') return null
  }
}

async function termsOf(
  folders: Map<string, string>,
  idOf: (path: string) => string,
  node: { version: string; folder: string },
): Promise<string> {
  const parts = new Map<string, string>()
  for (const [path, folder] of folders) {
    const id = idOf(path)
    if (parts.has(id)) continue
    const names = (await readdir(folder).catch(() => [])).filter((name) => /^(?:licen[cs]e|copying|notice)/i.test(name))
    const terms = await Promise.all(names.sort().map(async (name) => await readFile(join(folder, name), 'utf8')))
    const { license, author } = await manifestOf(folder)
    const said = `${id}\n${license}`
    const none = `It names these terms and brings no text of them.${author === '' ? '' : ` By ${author}.`}`
    parts.set(id, [said, ...(terms.length === 0 ? [none] : terms.map((text) => text.trim()))].join('\n\n'))
  }
  const ofNode = `node@${node.version}\n\n${(await readFile(join(node.folder, 'LICENSE'), 'utf8')).trim()}`
  const sorted = [...parts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
  const begin = 'What this package holds besides Cortex node itself, and under which terms.'
  return `${[begin, ofNode, ...sorted].join(`\n\n${'='.repeat(78)}\n\n`)}\n`
}

async function manifestOf(folder: string): Promise<{ license: string; author: string }> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}') // optional, and not installed
  const {
    license,
    licenses = [],
    author = '',
  } = JSON.parse(text) as {
    license?: string | { type: string }
    /** Of old packages. */
    licenses?: { type: string }[]
    author?: string | { name: string }
  }
  const types = licenses.map(({ type }) => type).join(' OR ')
  const [said = types || 'terms unknown'] = license === undefined ? [] : [license]
  return {
    license: typeof said === 'string' ? said : said.type,
    author: typeof author === 'string' ? author : author.name,
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

/** A digest in the form of an UUID whose content its maker chose (RFC 9562, version 8). */
function asUuid(digest: string): string {
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `8${digest.slice(13, 16)}`, `8${digest.slice(17, 20)}`]
  return [...parts, digest.slice(20, 32)].join('-')
}
