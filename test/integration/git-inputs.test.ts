/** What jobs bring from repositories, on a real engine and from git itself. */

import assert from 'node:assert/strict'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { closeAll } from '../support/close-all.ts'
import { type GitServer, startGitServer } from '../support/git-server.ts'
import { trustedCertificate } from '../support/trusted-certificate.ts'
import { until } from '../support/until.ts'
import { openMarket, type TestMarket } from './support/market.ts'

describe('what jobs bring from repositories', () => {
  let market: TestMarket
  let server: GitServer

  before(async () => {
    server = await startGitServer(trustedCertificate, 'ghp_Secret')
    const folder = join(server.folder, 'private')
    await mkdir(join(folder, 'bin'), { recursive: true })
    await writeFile(join(folder, 'bin/hello'), '#!/bin/sh\necho hello from $(dirname $0)\n')
    await chmod(join(folder, 'bin/hello'), 0o755)
    await symlink('/etc/passwd', join(folder, 'users'))
    for (const words of [
      ['init', '--quiet', '-b', 'main'],
      ['add', '-A'],
      ['commit', '--quiet', '-m', 'first'],
    ]) {
      server.git('private', ...words)
    }
    market = await openMarket()
    await market.addSeller({ agent: { allowInputHosts: [server.host] } })
  })
  after(async () => {
    await closeAll(
      async () => await market?.close(),
      async () => await server?.close(),
    )
  })

  it('are their files, in a job without a network, whose program does not have the token', async () => {
    const git = { url: server.url('private'), ref: 'main', token: { secret: 'TOKEN' } }
    for (const mode of ['ro', 'rw'] as const) {
      const inputs: JobSubmission['inputs'] = [{ path: '/src', from: { git }, mode }]
      const script =
        '/src/bin/hello; ls -A /src; readlink /src/users; env | grep -c Secret; touch /src/x 2>/dev/null && echo written'
      const job = await market.run(`${script}; true`, { inputs, network: 'none', secrets: { TOKEN: 'ghp_Secret' } })
      const log = (await market.node.store.logs(job.id, 1, 100)).map(({ line }) => line).join('\n')
      assert.equal(job.state.status, 'completed', `${JSON.stringify(job.state)} ${log}`)
      const seen = 'hello from /src/bin\nbin\nusers\n/etc/passwd\n0'
      assert.equal(log, mode === 'rw' ? `${seen}\nwritten` : seen)
      assert.doesNotMatch(JSON.stringify([job, await market.node.store.events(job.id, 0, 100)]), /ghp_/)
    }
  })

  it('are those of their submodules, too, where the job asks for them', async () => {
    await mkdir(join(server.folder, 'parent'))
    const { folder } = server
    await writeFile(join(folder, 'parent/.gitmodules'), '[submodule "x"]\npath = libs/x\nurl = ../private.git\n')
    const commit = server.git('private', 'rev-parse', 'HEAD')
    for (const words of [
      ['init', '--quiet', '-b', 'main'],
      ['add', '-A'],
      ['update-index', '--add', '--cacheinfo', `160000,${commit},libs/x`],
      ['commit', '--quiet', '-m', 'first'],
    ]) {
      server.git('parent', ...words)
    }
    for (const submodules of [true, false]) {
      const git = { url: server.url('parent'), token: { secret: 'TOKEN' }, submodules }
      const inputs: JobSubmission['inputs'] = [{ path: '/src', from: { git } }]
      // Of two streams none is sure to be read first.
      const script = 'exec 2>&1; ls -A /src /src/libs/x; /src/libs/x/bin/hello; true'
      const job = await market.run(script, { inputs, network: 'none', secrets: { TOKEN: 'ghp_Secret' } })
      const log = (await market.node.store.logs(job.id, 1, 100)).map(({ line }) => line).join('\n')
      assert.equal(job.state.status, 'completed', `${JSON.stringify(job.state)} ${log}`)
      const seen = '/src:\n.gitmodules\nlibs\n\n/src/libs/x:'
      assert.ok(
        log.startsWith(submodules ? `${seen}\nbin\nusers\nhello from` : `${seen}\nsh: `),
        JSON.stringify({ submodules, log }),
      )
    }
  })

  it('leave nothing that nobody else is given', async () => {
    const owner = `org.cortex-node.owner=${market.sellers[0]?.id}`
    await until(async () => {
      const { Volumes: left } = await market.docker.listVolumes({ filters: { label: [owner] } } as object)
      return left.every(({ Labels: labels }) => labels['cortex.job'] === undefined)
    })
  })
})
