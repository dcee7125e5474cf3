import assert from 'node:assert/strict'
import { chmod, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { GitWanted } from '../../../provider-agent/inputs/fetch-git.ts'
import type { GitServer } from '../../support/git-server.ts'
import { type GitFetches, openGitFetches } from './support/git-fetches.ts'

describe('what comes from a repository', () => {
  let git: GitFetches
  let server: GitServer
  let first: string

  before(async () => {
    git = await openGitFetches()
    server = git.server
    await git.repository('mine', {
      'README.md': 'one\n',
      'src/run.sh': '#!/bin/sh\n',
      '.gitattributes': '* export-subst eol=crlf\nsrc export-ignore\nREADME.md filter=evil\n',
    })
    await chmod(join(server.folder, 'mine/src/run.sh'), 0o755)
    await symlink('../README.md', join(server.folder, 'mine/src/link'))
    first = git.commit('mine')
    server.git('mine', 'tag', '-a', 'v1', '-m', 'v1')
    await writeFile(join(server.folder, 'mine/README.md'), 'two $Format:%H$\n')
    git.commit('mine')
    server.git('mine', 'branch', 'feature/x', first)
    await git.repository('private', { secret: 'hidden' })
  })
  after(async () => await git?.close())
  beforeEach(async () => await git.reset())

  async function fetched(name: string, ref?: string, changes: Partial<GitWanted> = {}) {
    return await git.fetched({ url: server.url(name), ...(ref !== undefined && { ref }) }, changes)
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
    await git.fails(fetched('private'), 'git-refused')
    await git.fails(fetched('private', undefined, { source, secrets: { TOKEN: 'Secret-wrong' } }), 'git-refused')
  })

  it('tells what is wrong', async () => {
    await git.fails(fetched('mine', 'nothing'), 'git-not-found')
    await git.fails(fetched('mine', 'a'.repeat(40)), 'git-not-found')
    await git.fails(fetched('nowhere'), 'git-not-found')
    await git.fails(fetched('mine', undefined, { source: { url: 'https://169.254.169.254/a.git' } }), 'url-not-allowed')
    for (const location of [
      'https://169.254.169.254/x.git/info/refs?service=git-upload-pack',
      'https://[::1]/info/refs?service=git-upload-pack',
    ]) {
      server.meanwhile = (_request, response) => {
        response.writeHead(302, { location }).end()
        return true
      }
      await git.fails(fetched('mine'), 'url-not-allowed')
    }
    server.meanwhile = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' }).end('nonsense')
      return true
    }
    await git.fails(fetched('mine'), 'git-not-given')
  })

  it('is no larger than the storage, on the way and unpacked', async () => {
    await git.repository(
      'bomb',
      Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`zero${i}`, Buffer.alloc(2 ** 22, String(i))])),
    )
    await git.fails(fetched('bomb', undefined, { maxBytes: 2 ** 20 }), 'larger-than-storage')
    assert.equal(Object.keys(await fetched('bomb')).length, 8)
    await git.fails(fetched('mine', undefined, { maxBytes: 300 }), 'larger-than-storage')
  })

  it('has no names that git would not check out', async () => {
    await git.repository('evil', { file: 'x' })
    const blob = server.git('evil', 'rev-parse', 'HEAD:file')
    for (const name of ['.git', '.GIT', '..', '.git ', 'git~1']) {
      const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')])
      await writeFile(join(server.folder, 'tree'), entry)
      const tree = server.git('evil', 'hash-object', '-t', 'tree', '-w', '--literally', join(server.folder, 'tree'))
      const evil = server.git('evil', 'commit-tree', tree, '-m', 'evil')
      server.git('evil', 'update-ref', 'refs/heads/evil', evil)
      await git.fails(fetched('evil', 'evil'), 'git-not-given')
    }
  })
})
