/** A repository over https on loopback, served by git itself as hosts of repositories do. */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A server of repositories, each a folder. */
export interface GitServer {
  /** With its port. */
  host: string
  /** Where its repositories are. */
  folder: string
  /** What was asked, in order. */
  asked: { path: string; headers: IncomingHttpHeaders }[]
  url(name: string): string
  /** Answers in place of the server; false leaves it to that. */
  meanwhile: (...asked: Parameters<RequestListener>) => boolean
  /** Runs git in a repository, which is made by its first command; answers what that said. */
  git(name: string, ...args: string[]): string
  close(): Promise<void>
}

/** @param token that opens repositories whose name begins with `private` */
export async function startGitServer(tls: { key: string; cert: string }, token = 'none'): Promise<GitServer> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-git-'))
  const env = {
    ...{ PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1', GIT_ALLOW_PROTOCOL: 'file' },
    ...{
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@example.com',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@example.com',
    },
  }
  const server: GitServer = {
    ...{ host: '', folder, asked: [], meanwhile: () => false },
    url: (name) => `https://${server.host}/${name}.git`,
    git: (name, ...args) => execFileSync('git', ['-C', join(folder, name), ...args], { env, encoding: 'utf8' }).trim(),
    close,
  }
  const http = createServer(tls, (request, response) => {
    const { url = '', headers } = request
    server.asked.push({ path: url, headers })
    if (server.meanwhile(request, response)) return
    const [, name = '', service = ''] =
      /^\/([\w-]+)\.git\/(info\/refs\?service=git-upload-pack|git-upload-pack)$/.exec(url) ?? []
    const [, given = ''] = Buffer.from(headers.authorization?.slice('Basic '.length) ?? '', 'base64')
      .toString()
      .split(':')
    if (name.startsWith('private') && given !== token) return void response.writeHead(401).end()
    if (name === '' || name === 'nowhere') return void response.writeHead(404).end()
    const isLook = service.startsWith('info')
    const kind = isLook ? 'advertisement' : 'result'
    response.writeHead(200, { 'content-type': `application/x-git-upload-pack-${kind}` })
    if (isLook) response.write('001e# service=git-upload-pack\n0000')
    const words = ['upload-pack', '--stateless-rpc', ...(isLook ? ['--advertise-refs'] : []), join(folder, name)]
    const protocol = headers['git-protocol']
    const child = spawn('git', words, {
      env: { ...env, ...(typeof protocol === 'string' && { GIT_PROTOCOL: protocol }) },
    })
    request.pipe(child.stdin)
    child.stdout.pipe(response)
    child.stdin.on('error', () => undefined)
    child.stderr.resume()
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  server.host = `127.0.0.1:${(http.address() as AddressInfo).port}`

  async function close(): Promise<void> {
    http.close()
    http.closeAllConnections()
    await once(http, 'close')
    await rm(folder, { recursive: true })
  }
  return server
}
