/** Repositories on loopback, and what is fetched of them by the rules of inputs. */

import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { systemClock } from '../../../../node/clock.ts'
import { silentLogger } from '../../../../node/logger.ts'
import { createOutside } from '../../../../node/network/outside.ts'
import { entriesOf } from '../../../../node/tar-entries.ts'
import type { GitSource } from '../../../../protocol/git-input.ts'
import { DataError } from '../../../../provider-agent/inputs/data-error.ts'
import { fetchGit, type GitWanted } from '../../../../provider-agent/inputs/fetch-git.ts'
import { type GitServer, startGitServer } from '../../../support/git-server.ts'
import { trustedCertificate } from '../../../support/trusted-certificate.ts'

/** What opens repositories whose name begins with `private`. */
export const TOKEN = 'ghp_Secret'

/** A server, and a folder for what comes from it. */
export interface GitFetches {
  server: GitServer
  /** Hosts that may be asked although they are of this machine. */
  allowed: Set<string>
  /** Makes a repository of files; answers its commit. */
  repository(name: string, files: Record<string, string | Buffer>): Promise<string>
  /** Of all that is there by now. */
  commit(name: string): string
  /** The files that come: links as `-> target`, programs as `+x content`. */
  fetched(source: GitSource, changes?: Partial<GitWanted>): Promise<Record<string, string>>
  /** That it ends so, says so, and leaves nothing. */
  fails(task: Promise<unknown>, reason: string, said?: RegExp): Promise<void>
  /** As at the beginning of a test. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** Open until it is closed. */
export async function openGitFetches(): Promise<GitFetches> {
  const server = await startGitServer(trustedCertificate, TOKEN)
  const folder = await mkdtemp(join(tmpdir(), 'cortex-fetch-git-'))
  const part = join(folder, 'a.part')
  const allowed = new Set([server.host])

  function commit(name: string): string {
    server.git(name, 'add', '-A')
    server.git(name, 'commit', '--quiet', '--allow-empty', '-m', 'next')
    return server.git(name, 'rev-parse', 'HEAD')
  }

  return {
    ...{ server, allowed, commit },

    async repository(name, files) {
      await mkdir(join(server.folder, name))
      server.git(name, 'init', '--quiet', '-b', 'main')
      for (const [path, content] of Object.entries(files)) {
        await mkdir(join(server.folder, name, path, '..'), { recursive: true })
        await writeFile(join(server.folder, name, path), content)
      }
      return commit(name)
    },

    async fetched(source, changes = {}) {
      const outside = createOutside({ isAllowed: ({ host }) => allowed.has(host), answerMs: 5_000 })
      const wanted = {
        ...{ source, secrets: { TOKEN }, path: '/in', part, maxBytes: 2 ** 26 },
        ...{ onBytes: () => undefined, makeRoom: async () => undefined },
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
    },

    async fails(task, reason, said = /./) {
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
    },

    async reset() {
      server.meanwhile = () => false
      server.asked.length = 0
      allowed.clear()
      allowed.add(server.host)
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true })
    },

    async close() {
      await server.close()
      await rm(folder, { recursive: true })
    },
  }
}
