import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createOutside } from '../../../node/network/outside.ts'
import { entriesOf } from '../../../node/tar-entries.ts'
import { DataError } from '../../../provider-agent/inputs/data-error.ts'
import { fetchGit, type GitWanted } from '../../../provider-agent/inputs/fetch-git.ts'
import { certificate } from '../../support/certificate.ts'
import { type GitServer, startGitServer } from '../../support/git-server.ts'

const TOKEN = 'ghp_Secret'

describe('what comes from a repository', () => {
  let server: GitServer
  let folder: string
  let part: string
  let first: string

  before(async () => {
    server = await startGitServer(await certificate(), TOKEN)
    folder = await mkdtemp(join(tmpdir(), 'cortex-fetch-git-'))
    part = join(folder, 'a.part')
    await repository('mine', {
      'README.md': 'one\n',
      'src/run.sh': '#!/bin/sh\n',
      '.gitattributes': '* export-subst eol=crlf\nsrc export-ignore\nREADME.md filter=evil\n',
    })
    await chmod(join(server.folder, 'mine/src/run.sh'), 0o755)
    await symlink('../README.md', join(server.folder, 'mine/src/link'))
    first = commit('mine')
    server.git('mine', 'tag', '-a', 'v1', '-m', 'v1')
    await writeFile(join(server.folder, 'mine/README.md'), 'two $Format:%H$\n')
    commit('mine')
    server.git('mine', 'branch', 'feature/x', first)
    await repository('private', { secret: 'hidden' })
  })
  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })
  beforeEach(async () => {
    server.meanwhile = () => false
    server.asked.length = 0
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true })
  })

  async function repository(name: string, files: Record<string, string | Buffer>): Promise<void> {
    await mkdir(join(server.folder, name))
    server.git(name, 'init', '--quiet', '-b', 'main')
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(server.folder, name, path, '..'), { recursive: true })
      await writeFile(join(server.folder, name, path), content)
    }
    commit(name)
  }

  function commit(name: string): string {
    server.git(name, 'add', '-A')
    server.git(name, 'commit', '--quiet', '--allow-empty', '-m', 'next')
    return server.git(name, 'rev-parse', 'HEAD')
  }

  async function fetched(
    name: string,
    ref?: string,
    changes: Partial<GitWanted> = {},
  ): Promise<Record<string, string>> {
    const outside = createOutside({ isAllowed: ({ host }) => host === server.host, answerMs: 5_000 })
    const wanted = {
      ...{
        secrets: { TOKEN },
        path: '/in',
        part,
        maxBytes: 2 ** 26,
        onBytes: () => undefined,
        makeRoom: async () => undefined,
      },
      source: { url: server.url(name), ...(ref !== undefined && { ref }) },
    }
    const { signal } = new AbortController()
    await fetchGit({ outside, clock: systemClock, logger: silentLogger }, { ...wanted, ...changes }, {}, signal)
    assert.deepEqual(await readdir(folder), ['a.part'], 'the repository is left')
    const found: Record<string, string> = {}
    for await (const entry of entriesOf(createReadStream(part))) {
      const { type, linkname, mode = 0, name: path } = entry.header
      const content = type === 'symlink' ? `-> ${linkname}` : String(await buffer(entry))
      if (type !== 'directory') found[path] = type === 'file' && (mode & 0o100) > 0 ? `+x ${content}` : content
      entry.resume()
    }
    return found
  }

  async function fails(task: Promise<unknown>, reason: string, said = /./): Promise<void> {
    await assert.rejects(task, (error: DataError) => {
      assert.ok(error instanceof DataError, String(error))
      assert.equal(error.details.reason, reason, error.message)
      assert.match(error.message, said)
      assert.doesNotMatch(error.message, /Secret/)
      return true
    })
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name !== 'a.part'),
      [],
      'the repository is left',
    )
  }

  const ATTRIBUTES = '* export-subst eol=crlf\nsrc export-ignore\nREADME.md filter=evil\n'
  const OLD = {
    '.gitattributes': ATTRIBUTES,
    'README.md': 'one\n',
    'src/link': '-> ../README.md',
    'src/run.sh': '+x #!/bin/sh\n',
  }

  it('is the files of a branch, a tag or a commit, as they are, whatever the repository says of them', async () => {
    assert.deepEqual(await fetched('mine'), { ...OLD, 'README.md': 'two $Format:%H$\n' })
    for (const ref of ['v1', 'feature/x', first]) assert.deepEqual(await fetched('mine', ref), OLD, ref)
  })

  it('is opened by a token, which goes to no other host', async () => {
    const source = { url: server.url('private'), token: { secret: 'TOKEN' } }
    assert.deepEqual(await fetched('private', undefined, { source }), { secret: 'hidden' })
    await fails(fetched('private'), 'git-refused')
    await fails(fetched('private', undefined, { source, secrets: { TOKEN: 'Secret-wrong' } }), 'git-refused')
  })

  it('tells what is wrong', async () => {
    await fails(fetched('mine', 'nothing'), 'git-not-found')
    await fails(fetched('mine', 'a'.repeat(40)), 'git-not-found')
    await fails(fetched('nowhere'), 'git-not-found')
    await fails(fetched('mine', undefined, { source: { url: 'https://169.254.169.254/a.git' } }), 'url-not-allowed')
    for (const location of [
      'https://169.254.169.254/x.git/info/refs?service=git-upload-pack',
      'https://[::1]/info/refs?service=git-upload-pack',
    ]) {
      server.meanwhile = (_request, response) => {
        response.writeHead(302, { location }).end()
        return true
      }
      await fails(fetched('mine'), 'url-not-allowed')
    }
    server.meanwhile = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' }).end('nonsense')
      return true
    }
    await fails(fetched('mine'), 'git-not-given')
  })

  it('is no larger than the storage, on the way and unpacked', async () => {
    await repository(
      'bomb',
      Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`zero${i}`, Buffer.alloc(2 ** 22, String(i))])),
    )
    await fails(fetched('bomb', undefined, { maxBytes: 2 ** 20 }), 'larger-than-storage')
    assert.equal(Object.keys(await fetched('bomb')).length, 8)
    await fails(fetched('mine', undefined, { maxBytes: 300 }), 'larger-than-storage')
  })

  it('has no names that git would not check out', async () => {
    await repository('evil', { file: 'x' })
    const blob = server.git('evil', 'rev-parse', 'HEAD:file')
    for (const name of ['.git', '.GIT', '..', '.git ', 'git~1']) {
      const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')])
      await writeFile(join(server.folder, 'tree'), entry)
      const tree = server.git('evil', 'hash-object', '-t', 'tree', '-w', '--literally', join(server.folder, 'tree'))
      const evil = server.git('evil', 'commit-tree', tree, '-m', 'evil')
      server.git('evil', 'update-ref', 'refs/heads/evil', evil)
      await fails(fetched('evil', 'evil'), 'git-not-given')
    }
  })
})
