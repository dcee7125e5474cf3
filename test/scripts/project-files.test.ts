/** What the repository's host reads: each file is what it says it is, and names scripts and files that are there. */

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const { version, scripts, files } = JSON.parse(read('package.json')) as {
  version: string
  scripts: Record<string, string>
  files: string[]
}

interface Workflow {
  jobs: Record<string, { 'runs-on': string; 'timeout-minutes'?: number; steps: { uses?: string; run?: string }[] }>
}

const workflows = globSync('.github/workflows/*.yml', { cwd: ROOT }).map((path) => ({
  path,
  ...(parse(read(path)) as Workflow),
}))

describe('the files for the repository’s host', () => {
  it('are YAML, and hold what their kind has to', () => {
    for (const path of globSync('.github/ISSUE_TEMPLATE/*.yml', { cwd: ROOT })) {
      const form = parse(read(path)) as { name?: string; description?: string; body?: { type: string; id?: string }[] }
      if (path.endsWith('config.yml')) continue
      assert.ok(form.name !== undefined && form.description !== undefined, path)
      const ids = form.body?.flatMap(({ id }) => id ?? []) ?? []
      assert.ok(ids.length > 0 && new Set(ids).size === ids.length, path)
      for (const { type } of form.body ?? [])
        assert.match(type, /^(markdown|textarea|input|dropdown|checkboxes)$/, path)
    }
    const { version: bot, updates } = parse(read('.github/dependabot.yml')) as {
      version: number
      updates: { 'package-ecosystem': string }[]
    }
    assert.equal(bot, 2)
    assert.deepEqual(
      updates.map((one) => one['package-ecosystem']),
      ['npm', 'github-actions', 'devcontainers'],
    )
    const container = JSON.parse(read('.devcontainer/devcontainer.json')) as {
      image?: string
      postCreateCommand?: string
    }
    assert.ok(container.image !== undefined && container.postCreateCommand !== undefined)
  })

  it('begin jobs that end, of actions with a version', () => {
    assert.equal(workflows.length, 2)
    for (const { path, jobs } of workflows) {
      for (const [name, job] of Object.entries(jobs)) {
        assert.ok(job['runs-on'] !== '' && (job['timeout-minutes'] ?? 0) > 0, `${path} ${name}`)
        for (const { uses, run } of job.steps) {
          assert.ok((uses === undefined) !== (run === undefined), `${path} ${name}`)
          if (uses !== undefined) assert.match(uses, /^[\w.-]+\/[\w./-]+@\w[\w.]*$/)
        }
      }
    }
  })

  it('run shell that a shell understands, and scripts that there are', () => {
    const lines = workflows.flatMap(({ path, jobs }) =>
      Object.values(jobs).flatMap(({ steps }) =>
        steps.flatMap(({ run }) => (run === undefined ? [] : [{ path, run }])),
      ),
    )
    assert.ok(lines.length > 6)
    for (const { path, run } of lines) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: run, encoding: 'utf8' })
      assert.equal(status, 0, `${path}: ${run}: ${stderr}`)
      for (const [, name = ''] of run.matchAll(/\bnpm (?:run (?:-s )?)?([a-z]+)/g)) {
        assert.ok(Object.hasOwn(scripts, name) || ['ci', 'publish', 'pkg'].includes(name), `${path}: npm ${name}`)
      }
      for (const [file] of run.matchAll(/(?<![\w$/])(?:scripts\/[\w.-]+|\.ci\/run)/g)) {
        assert.ok(existsSync(join(ROOT, file)), `${path}: ${file}`)
      }
    }
  })
})

describe('the changelog', () => {
  const notes = (tag: string) =>
    spawnSync(process.execPath, [join(ROOT, 'scripts/release-notes.ts'), tag], { encoding: 'utf8' })

  it('has something to say of this version, and a place for the next', () => {
    const text = read('CHANGELOG.md')
    assert.match(text, /^## \[Unreleased\]$/m)
    const [first] = [...text.matchAll(/^## \[(\d[^\]]*)\]/gm)].map(([, name]) => name)
    assert.equal(first, version)
    assert.match(
      execFileSync(process.execPath, [join(ROOT, 'scripts/release-notes.ts'), `v${version}`], { encoding: 'utf8' }),
      /### Added/,
    )
  })

  it('says nothing of a tag that is not the version’s', () => {
    const { status, stdout, stderr } = notes('v99.0.0')
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /The tag is v99\.0\.0/)
  })

  it('is in the package, as are the examples', () => {
    for (const path of ['CHANGELOG.md', 'CODE_OF_CONDUCT.md']) assert.ok(files.includes(path), path)
  })
})
