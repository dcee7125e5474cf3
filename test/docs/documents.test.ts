/** What README, CONTRIBUTING, SECURITY and `docs/` name has to be there: paths, links, flags, each decision in the index. */

import assert from 'node:assert/strict'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import type { Command } from 'commander'
import { createProgram } from '../../bin/program.ts'

const ROOT = join(import.meta.dirname, '../..')
const DECISIONS = join(ROOT, 'docs/decisions')
/** A name in code marks that begins in one of the project's folders. */
const PATH = /^(?:bench|bin|docs|gateway|node|protocol|provider-agent|scripts|test)\/[\w./*{},-]+$/
/** Flags of the project's scripts and of other programs that the documents speak of. */
const OTHER_FLAGS = [
  ...['--attack', '--gvisor', '--jobs', '--minutes', '--providers', '--seed', '--soak', '--keep'], // npm run attack, chaos, demo, sim
  ...['--files', '--size', '--kills'], // scripts/data-proof.ts, scripts/image-proof.ts
  ...['--commit', '--package'], // scripts/neighbours-proof.ts
  ...['--always-sparkplug', '--inspect', '--test', '--test-name-pattern'], // node
  ...['--ignore-scripts', '--save-exact', '--global'], // npm
  ...['--follow-tags'], // git
  ...['--filter', '--live-restore', '--build-arg', '--target', '--rm'], // docker, dockerd
  ...['--prefix', '--uninstall', '--now'], // packaging/install.sh, systemctl
  ...['--downloads', '--namespace', '--create-namespace', '--set'], // npm run package, helm, kubectl
  ...['--help', '--version', '--http2'],
  ...['--input', '--publisher', '--selector', '--timeout'], // bacalhau, which docs/guides/migrating.md speaks of
]

interface Document {
  path: string
  text: string
  /** What stands in code marks, and lines of blocks. */
  code: string[]
}

const documents: Document[] = ['*.md', 'docs/**/*.md'].flatMap((pattern) =>
  globSync(pattern, { cwd: ROOT }).map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const blocks = [...text.matchAll(/^```[^\n]*\n(.*?)^```/gms)].flatMap(([, block = '']) => block.split('\n'))
    return { path, text, code: [...[...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code), ...blocks] }
  }),
)

function flagsOf(command: Command): string[] {
  return [...command.options.flatMap(({ long }) => long ?? []), ...command.commands.flatMap((one) => flagsOf(one))]
}

describe('the documents', () => {
  it('name files that are there', () => {
    const missing = documents.flatMap(({ path, code }) =>
      code
        .filter((name) => PATH.test(name) && globSync(name, { cwd: ROOT }).length === 0)
        .map((name) => `${path}: ${name}`),
    )
    assert.deepEqual(missing, [])
    assert.ok(documents.some(({ code }) => code.some((name) => PATH.test(name))))
  })

  it('link to files that are there', () => {
    const links = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, to = '']) => ({ path, to })),
    )
    const dead = links.filter(({ path, to }) => !existsSync(join(ROOT, dirname(path), to)))
    assert.deepEqual(dead, [])
    assert.ok(links.length > 0)
  })

  it('are in the contents of the documentation, each by its title', () => {
    const contents = readFileSync(join(ROOT, 'docs/README.md'), 'utf8')
    const pages = documents.filter(({ path }) => /^docs\/(?!README|decisions\/|reference\/)/.test(path))
    assert.ok(pages.length > 15)
    for (const { path } of pages) assert.ok(contents.includes(`](${path.slice('docs/'.length)})`), path)
  })

  it('name flags that there are', async () => {
    const known = new Set([...flagsOf(await createProgram(['completion'])), ...OTHER_FLAGS])
    const named = documents.flatMap(({ path, code }) =>
      code.flatMap((text) => [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9-]+/g)].map(([flag]) => ({ path, flag }))),
    )
    assert.deepEqual(
      named.filter(({ flag }) => !known.has(flag)),
      [],
    )
    assert.ok(named.length > 0)
  })
})

describe('the decisions', () => {
  const pages = readdirSync(DECISIONS).filter((name) => name !== 'README.md')
  const index = readFileSync(join(DECISIONS, 'README.md'), 'utf8')

  it('are numbered without holes, and each begins with its number, its title and its day', () => {
    for (const [at, name] of pages.toSorted().entries()) {
      const [heading = '', , date = ''] = readFileSync(join(DECISIONS, name), 'utf8').split('\n')
      assert.match(name, /^\d{4}-[a-z0-9-]+\.md$/)
      assert.equal(Number(name.slice(0, 4)), at + 1, name)
      assert.ok(heading.startsWith(`# ${at + 1}. `), `${name}: ${heading}`)
      assert.match(date, /^Date: 20\d\d-\d\d-\d\d$/, name)
    }
  })

  it('stand in the index once each, by their title', () => {
    const listed = [...index.matchAll(/^- \[(.+)\]\((.+)\)$/gm)].map(([, title, name]) => `${name} ${title}`)
    const titles = pages.map((name) => {
      const [heading = ''] = readFileSync(join(DECISIONS, name), 'utf8').split('\n')
      return `${name} ${heading.slice(2)}`
    })
    assert.deepEqual(listed.toSorted(), titles.toSorted())
  })
})
