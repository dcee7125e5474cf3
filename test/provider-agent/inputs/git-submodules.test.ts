import assert from 'node:assert/strict'
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { GitSource } from '../../../protocol/git-input.ts'
import { MAX_SUBMODULE_DEPTH, MAX_SUBMODULES } from '../../../provider-agent/inputs/git-submodules.ts'
import { startGitServer } from '../../support/git-server.ts'
import { trustedCertificate } from '../../support/trusted-certificate.ts'
import { type GitFetches, openGitFetches, TOKEN } from './support/git-fetches.ts'

interface Link {
  path: string
  /** @default none in .gitmodules */
  url?: string
  commit: string
  /** What else .gitmodules has of it. */
  more?: string
}

describe('what comes with the submodules of a repository', () => {
  let git: GitFetches
  let lib: string
  let made = 0

  before(async () => {
    git = await openGitFetches()
    lib = await git.repository('lib', { 'lib.txt': 'lib\n', '.gitattributes': '* export-ignore\n' })
    await writeFile(join(git.server.folder, 'lib/lib.txt'), 'a later one\n')
    git.commit('lib')
  })
  after(async () => await git?.close())
  beforeEach(async () => await git.reset())

  /** One whose commit has these links; answers its name and that commit. */
  async function linking(links: Link[], files: Record<string, string> = {}): Promise<[name: string, commit: string]> {
    made += 1
    const name = `parent-${made}`
    const said = links.flatMap(({ path, url, more = '' }, i) =>
      url === undefined ? [] : [`[submodule "n${i}"]\n\tpath = ${path}\n\turl = ${JSON.stringify(url)}\n\t${more}\n`],
    )
    await git.repository(name, { own: 'own\n', ...(said.length > 0 && { '.gitmodules': said.join('') }), ...files })
    const entries = links.flatMap(({ path, commit }) => ['--cacheinfo', `160000,${commit},${path}`])
    git.server.git(name, 'update-index', '--add', ...entries)
    git.server.git(name, 'commit', '--quiet', '--allow-empty', '-m', 'links')
    return [name, git.server.git(name, 'rev-parse', 'HEAD')]
  }

  const of = (name: string, more: Partial<GitSource> = {}): GitSource => ({
    ...{ url: git.server.url(name), submodules: true, ...more },
  })

  async function filesOf(source: GitSource): Promise<Record<string, string>> {
    const all = Object.entries(await git.fetched(source))
    return Object.fromEntries(all.filter(([path]) => !path.endsWith('.gitmodules')))
  }

  /** Where a link leads is refused. */
  async function refuses(link: Partial<Link>, reason: string, said: RegExp): Promise<void> {
    const [name] = await linking([{ path: 'libs/a b', commit: lib, ...link }])
    await git.fails(git.fetched(of(name)), reason, said)
  }

  it('stands at their paths, as the commit names it, those of submodules as well', async () => {
    const [inner, middle] = await linking([
      { path: 'deep/lib', url: '../lib.git', commit: lib },
      { path: 'none', url: '../lib.git', commit: lib, more: 'update = none' },
    ])
    const file = join(git.server.folder, 'included')
    await writeFile(file, '[submodule "n0"]\n\turl = file:///etc\n')
    const [name] = await linking([
      { path: 'libs/a b', url: git.server.url('lib'), commit: lib, more: `[include]\n\tpath = ${file}` },
      { path: 'libs/m', url: `.././${inner}.git`, commit: middle },
    ])
    const attributes = '* export-ignore\n'
    assert.deepEqual(await filesOf(of(name)), {
      own: 'own\n',
      ...{ 'libs/a b/lib.txt': 'lib\n', 'libs/a b/.gitattributes': attributes },
      ...{ 'libs/m/own': 'own\n', 'libs/m/deep/lib/lib.txt': 'lib\n', 'libs/m/deep/lib/.gitattributes': attributes },
    })
    git.server.asked.length = 0
    assert.deepEqual(await filesOf(of(name, { submodules: false })), { own: 'own\n' })
    assert.equal(git.server.asked.filter(({ path }) => !path.startsWith(`/${name}.git/`)).length, 0)
  })

  it('is nothing where .gitmodules names what is no link, wherever that is', async () => {
    const paths = ['own', 'nowhere', '../out', '/etc', '.git/hooks', 'libs/../..']
    const said = paths.map((path, i) => `[submodule "n${i}"]\n\tpath = ${path}\n\turl = ../lib.git\n`).join('')
    const [name] = await linking([], { '.gitmodules': said })
    assert.deepEqual(await filesOf(of(name)), { own: 'own\n' })
    assert.ok(git.server.asked.every(({ path }) => path.startsWith(`/${name}.git/`)))
  })

  it('is refused where .gitmodules has no url for a link, and tells which', async () => {
    await refuses({}, 'git-submodule', /the submodule "libs\/a b": \.gitmodules has no url for it/)
  })

  const URLS: [url: string, said: RegExp][] = [
    ['file:///etc', /its url must be a URL that begins with https/],
    ['/etc', /begins with https/],
    ['./../../../x.git', /begins with https/],
    ['ext::sh -c "touch /tmp/x"', /begins with https/],
    ['ssh://git@example.com/a.git', /begins with https/],
    ['git@example.com:a/b.git', /begins with https/],
    ['http://example.com/a.git', /begins with https/],
    ['https://me:Hidden@example.com/a.git', /must have no user and no password/],
    ['https://example.com/a.git?x=y', /must have no \?/],
  ]
  for (const [url, said] of URLS) {
    it(`is refused at ${url}`, async () => {
      await refuses({ url }, 'git-submodule', new RegExp(`the submodule "libs/a b": .*${said.source}`))
    })
  }

  it('runs nothing that .gitmodules says', async () => {
    const file = join(git.server.folder, 'ran')
    const reason = 'git-not-given'
    await refuses({ url: '../lib.git', more: `update = !touch ${file}` }, reason, /disallowed submodule update/)
    await refuses({ url: `--upload-pack=touch ${file}` }, reason, /disallowed submodule url/)
    const said = `[submodule "../../x"]\n\tpath = libs\n\turl = ../lib.git\n[include]\n\tpath = ${file}\n`
    const [name] = await linking([{ path: 'libs', commit: lib }], { '.gitmodules': said })
    await git.fails(git.fetched(of(name)), reason, /disallowed submodule name: \.\.\/\.\.\/x/)
    await assert.rejects(access(file))
  })

  it('comes from hosts that may be asked alone, wherever they lead', async () => {
    const closed = /the submodule "libs\/a b": /
    for (const host of ['169.254.169.254', '[::1]', '127.0.0.1:1', '10.0.0.1', 'localhost']) {
      await refuses({ url: `https://${host}/a.git` }, 'url-not-allowed', closed)
    }
    git.server.meanwhile = ({ url = '' }, response) => {
      if (!url.startsWith('/lib.git')) return false
      response.writeHead(302, { location: url.replace('/lib.git', 'https://169.254.169.254/lib.git') }).end()
      return true
    }
    await refuses({ url: '../lib.git' }, 'url-not-allowed', closed)
  })

  it('is opened by the token at the host of the repository, and at no other', async () => {
    const hidden = await git.repository('private-lib', { secret: 'hidden' })
    const token = { secret: 'TOKEN' }
    const [name] = await linking([{ path: 'a', url: '../private-lib.git', commit: hidden }])
    assert.deepEqual(await filesOf(of(name, { token })), { own: 'own\n', 'a/secret': 'hidden' })
    await git.fails(git.fetched(of(name)), 'git-refused', /the submodule "a": /)

    const other = await startGitServer(trustedCertificate, TOKEN)
    try {
      git.allowed.add(other.host)
      const [elsewhere] = await linking([{ path: 'a', url: other.url('private-lib'), commit: hidden }])
      await git.fails(git.fetched(of(elsewhere, { token })), 'git-refused', /the submodule "a": /)
      assert.ok(other.asked.length > 0)
      assert.deepEqual(
        other.asked.filter(({ headers }) => headers.authorization !== undefined),
        [],
      )
    } finally {
      await other.close()
    }
  })

  it('is the commit that the tree names, or nothing', async () => {
    const reason = 'git-not-found'
    const commit = 'a'.repeat(40)
    const said = new RegExp(`the submodule "libs/a b": its server does not give commit ${commit}`)
    await refuses({ url: '../lib.git', commit }, reason, said)
    await refuses({ url: '../nowhere.git' }, reason, /the submodule "libs\/a b": .* answered 404/)
    // Older servers give what branches and tags name alone.
    git.server.meanwhile = ({ headers }) => {
      delete headers['git-protocol']
      return false
    }
    await refuses({ url: '../lib.git' }, reason, new RegExp(`its server does not give commit ${lib}`))
  })

  it('is counted with the repository', async () => {
    const zeros = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`zero${i}`, Buffer.alloc(2 ** 20, `${i}`)]))
    const commit = await git.repository('bomb', zeros)
    const [name] = await linking(['a', 'b'].map((path) => ({ path, url: '../bomb.git', commit })))
    const source = of(name)
    await git.fails(git.fetched(source, { maxBytes: 6 * 2 ** 20 }), 'larger-than-storage')
    assert.equal(Object.keys(await filesOf(source)).length, 9)
  })

  it('is of so many at most, one in the other and in all', async () => {
    let [name, commit] = await linking([])
    for (let depth = 0; depth < MAX_SUBMODULE_DEPTH; depth += 1) {
      ;[name, commit] = await linking([{ path: 'x', url: `../${name}.git`, commit }])
    }
    assert.equal(Object.keys(await filesOf(of(name))).length, MAX_SUBMODULE_DEPTH + 1)
    const [deeper] = await linking([{ path: 'x', url: `../${name}.git`, commit }])
    await git.fails(git.fetched(of(deeper)), 'git-submodule', /the submodule "x(\/x){8}": it lies in more than 8/)

    const many = Array.from({ length: MAX_SUBMODULES + 1 }, (_, i) => ({
      path: `m${i}`,
      url: '../lib.git',
      commit: lib,
    }))
    await git.fails(git.fetched(of((await linking(many))[0])), 'git-submodule', /more than 64 submodules/)
    const half = many.slice(0, MAX_SUBMODULES / 2)
    const [first, one] = await linking(half)
    const two = await linking([...half, { path: 'a', url: `../${first}.git`, commit: one }])
    await git.fails(git.fetched(of(two[0])), 'git-submodule', /more than 64 submodules in all/)
  })

  it('has no link at a name that git would not check out, nor behind a symbolic link', async () => {
    const [name] = await linking([])
    const { server } = git
    const blob = server.git(name, 'rev-parse', 'HEAD:own')
    const entry = (mode: string, path: string, id: string) =>
      Buffer.concat([Buffer.from(`${mode} ${path}\0`), Buffer.from(id, 'hex')])
    const treeOf = async (...entries: Buffer[]): Promise<string> => {
      await writeFile(join(server.folder, 'tree'), Buffer.concat(entries))
      return server.git(name, 'hash-object', '-t', 'tree', '-w', '--literally', join(server.folder, 'tree'))
    }
    const inner = await treeOf(entry('160000', 'b', lib))
    const trees = [
      await treeOf(entry('160000', '.git', lib)),
      await treeOf(entry('160000', '..', lib)),
      await treeOf(entry('160000', 'a/b', lib)),
      await treeOf(entry('120000', 'a', blob), entry('40000', 'a', inner)),
      await treeOf(entry('120000', 'a', blob), entry('160000', 'a', lib)),
    ]
    for (const tree of trees) {
      server.git(name, 'update-ref', 'refs/heads/evil', server.git(name, 'commit-tree', tree, '-m', 'evil'))
      await git.fails(git.fetched(of(name, { ref: 'evil' })), 'git-not-given')
    }
  })
})
