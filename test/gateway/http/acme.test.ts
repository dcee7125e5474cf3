/** Certificates from an authority: Let's Encrypt's own server for tests, which asks as the real one does. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { keepAcmeCertificate } from '../../../gateway/http/acme.ts'
import { httpProof } from '../../../gateway/http/acme-proof.ts'
import { createGateway, type Gateway, type GatewayInit } from '../../../gateway/index.ts'
import { type Clock, systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { canInstall, findProgram, installPackages } from '../../../scripts/apt.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { makeCertificate } from '../../support/certificate.ts'
import { trustedCertificate } from '../../support/trusted-certificate.ts'
import { until } from '../../support/until.ts'
import { openTestNode, type TestNode } from '../support/test-node.ts'

const DOMAINS = ['cortex.example', 'www.cortex.example']
const DAY_MS = 24 * 3_600_000
/** Of the five years that this authority gives. */
const LATE_DAYS = 4 * 365

const skip =
  (await findProgram('pebble')) === null && !(await canInstall())
    ? 'pebble is not on this machine: run it as root on Debian or Ubuntu, or install pebble'
    : false

describe('a certificate from an authority', { skip }, () => {
  let folder: string
  let programs: ChildProcess[] = []
  let said = ''
  let directoryUrl: string
  /** Where the authority asks by HTTP, and where by TLS. */
  let asked: number
  let askedByTls: number
  /** Where its resolver is told records. */
  let names: string
  let test: TestNode
  let gateway: Gateway | undefined

  async function run(name: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
    const program = (await findProgram(name)) ?? name
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said = (said + chunk).slice(-10_000)
      })
    }
    programs.push(child)
  }

  before(async () => {
    if ((await findProgram('pebble')) === null) await installPackages(['pebble'], () => undefined)
    folder = await mkdtemp(join(tmpdir(), 'cortex-acme-'))
    const own = trustedCertificate
    const [certPath, keyPath] = [join(folder, 'pebble.cert'), join(folder, 'pebble.key')]
    await writeFile(certPath, own.cert)
    await writeFile(keyPath, own.key)
    asked = await freePort()
    askedByTls = await freePort()
    const [port, dns, management, other] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    const config = {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${other}`,
      certificate: certPath,
      privateKey: keyPath,
      httpPort: asked,
      tlsPort: askedByTls,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
    }
    const configPath = join(folder, 'pebble.json')
    await writeFile(configPath, JSON.stringify({ pebble: config }))
    names = `http://127.0.0.1:${management}`
    const resolver = ['-dns01', `127.0.0.1:${dns}`, '-defaultIPv4', '127.0.0.1', '-defaultIPv6', '']
    const none = ['-http01', '', '-https01', '', '-tlsalpn01', '', '-management', `127.0.0.1:${management}`]
    await run('pebble-challtestsrv', [...resolver, ...none])
    await run('pebble', ['-config', configPath, '-dnsserver', `127.0.0.1:${dns}`, '-strict'], {
      PEBBLE_VA_NOSLEEP: '1',
      // It asks again, whatever it has seen.
      PEBBLE_AUTHZREUSE: '0',
    })
    directoryUrl = `https://127.0.0.1:${port}/dir`
    await until(async () => {
      assert.ok(
        programs.every(({ exitCode }) => exitCode === null),
        said,
      )
      return await fetch(directoryUrl).then(
        ({ ok }) => ok,
        () => false,
      )
    })
  })
  after(async () => {
    for (const child of programs.filter(({ exitCode }) => exitCode === null)) {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    }
    programs = []
    await rm(folder, { recursive: true })
  })
  beforeEach(async () => {
    test = await openTestNode()
  })
  afterEach(async () => {
    await gateway?.stop()
    gateway = undefined
    await test.close()
    await rm(join(folder, 'acme'), { recursive: true, force: true })
  })

  async function start(init: Partial<GatewayInit> = {}, clock: Clock = systemClock): Promise<void> {
    const acme = { ...account(), domains: DOMAINS }
    const made = createGateway(
      { node: test.node, logger: silentLogger, clock },
      { folder, port: 0, redirectPort: asked, allowedHosts: DOMAINS, acme, ...init },
    )
    await made.start()
    gateway = made
  }

  function account() {
    return { directoryUrl, email: 'admin@cortex.example' }
  }

  async function served(): Promise<{ fingerprint256: string; subjectaltname?: string; issuer: { CN: string } }> {
    const port = Number(new URL(gateway?.url() ?? '').port)
    const socket = connect({ port, host: '127.0.0.1', servername: 'cortex.example', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const found = socket.getPeerCertificate()
    socket.destroy()
    return found as never
  }

  it('is fetched before anybody is served, kept, and renewed when a third of its time is left', async () => {
    await start()
    const first = await served()
    assert.match(first.issuer.CN, /Pebble/)
    for (const name of DOMAINS) assert.ok(first.subjectaltname?.includes(`DNS:${name}`), first.subjectaltname)
    assert.match(gateway?.url() ?? '', /^https:\/\/cortex\.example:\d+$/)
    for (const name of ['account.key', 'key.pem', 'cert.pem']) {
      assert.equal((await stat(join(folder, 'acme', name))).mode & 0o077, 0, name)
    }
    // What is no question of an authority is led to HTTPS.
    const plain = request({ port: asked, host: '127.0.0.1', path: '/.well-known/acme-challenge/none', agent: false })
    plain.setHeader('host', 'cortex.example')
    const [answer] = await once(plain.end(), 'response')
    assert.equal(answer.statusCode, 308)
    answer.resume()
    await gateway?.stop()

    await start()
    assert.equal((await served()).fingerprint256, first.fingerprint256)
    await gateway?.stop()

    await start({}, { ...systemClock, nowMs: () => Date.now() + LATE_DAYS * DAY_MS })
    await until(async () => (await served()).fingerprint256 !== first.fingerprint256)
  })

  it('is fetched and renewed by the port of HTTPS alone, and others are served meanwhile', async () => {
    const acme = { ...account(), domains: DOMAINS, challenge: 'tls-alpn-01' } as const
    const init = { acme, port: askedByTls, redirectPort: undefined }
    await start(init)
    const first = await served()
    assert.match(first.issuer.CN, /Pebble/)
    const path = `https://127.0.0.1:${askedByTls}/api/health`
    const headers = { host: `cortex.example:${askedByTls}` }
    const [answer] = await once(get(path, { headers, rejectUnauthorized: false, agent: false }), 'response')
    assert.equal(answer.statusCode, 200)
    answer.resume()
    await gateway?.stop()

    await start(init, { ...systemClock, nowMs: () => Date.now() + LATE_DAYS * DAY_MS })
    await until(async () => {
      const now = await served()
      assert.match(now.issuer.CN, /Pebble/)
      return now.fingerprint256 !== first.fingerprint256
    })
  })

  it('is fetched by records that a program sets, for wildcards too', async () => {
    const log = join(folder, 'calls')
    const hook = join(folder, 'hook.mjs')
    // This resolver forgets all values of a name at once: they stay.
    const program = `#!${process.execPath}
      import { appendFile } from 'node:fs/promises'
      const [, , action, name, value] = process.argv
      await appendFile(${JSON.stringify(log)}, action + ' ' + name + '\\n')
      const body = JSON.stringify({ host: name + '.', value })
      if (action === 'present') await fetch('${names}/set-txt', { method: 'POST', body })`
    await writeFile(hook, program, { mode: 0o755 })
    const domains = ['cortex.example', 'jobs.cortex.example', '*.jobs.cortex.example']
    const acme = { ...account(), domains, challenge: { dnsHook: hook } }
    await start({ acme, redirectPort: undefined, allowedHosts: ['cortex.example'] })
    const { subjectaltname = '' } = await served()
    for (const name of domains) assert.ok(subjectaltname.includes(`DNS:${name}`), subjectaltname)
    const calls = (await readFile(log, 'utf8')).trim().split('\n')
    const records = ['_acme-challenge.cortex.example', ...Array(2).fill('_acme-challenge.jobs.cortex.example')]
    for (const action of ['present', 'cleanup']) {
      const of = calls.filter((call) => call.startsWith(action)).sort()
      assert.deepEqual(
        of,
        records.map((name) => `${action} ${name}`),
      )
    }
    await gateway?.stop()

    // It is kept, wildcard and all: nobody is asked again.
    const before = calls.length
    await start({ acme, redirectPort: undefined, allowedHosts: ['cortex.example'] })
    assert.equal((await readFile(log, 'utf8')).trim().split('\n').length, before)
    await gateway?.stop()
    await rm(join(folder, 'acme'), { recursive: true })

    await writeFile(hook, '#!/bin/sh\necho no such zone\nexit 3\n')
    await assert.rejects(
      start({ acme, redirectPort: undefined }),
      /gave no certificate for .*: .*hook\.mjs present _acme-challenge\.\S+: it ended with 3: no such zone\. It asks for the TXT record of _acme-challenge\.cortex\.example and _acme-challenge\.jobs\.cortex\.example, which .*hook\.mjs has to set/s,
    )
  })

  it('that is not given is told with what to look at, and nothing listens', async () => {
    const elsewhere = await freePort()
    await assert.rejects(
      start({ redirectPort: elsewhere }),
      /gave no certificate for cortex\.example, www\.cortex\.example: .* It asks http:\/\/cortex\.example\/.* port 80, which has to lead here/s,
    )
    const byTls = { ...account(), domains: DOMAINS, challenge: 'tls-alpn-01' } as const
    await assert.rejects(
      start({ acme: byTls, port: elsewhere, redirectPort: undefined }),
      /gave no certificate for .*It asks cortex\.example by TLS \(acme-tls\/1\) on port 443/s,
    )
    const wildcard = { ...account(), domains: ['*.cortex.example'] }
    await assert.rejects(start({ acme: wildcard }), /gave no certificate for .*it does not take http-01/s)
    const nobody = { domains: DOMAINS, directoryUrl: `https://127.0.0.1:${elsewhere}/dir` }
    await assert.rejects(start({ acme: nobody }), /gave no certificate for .*ECONNREFUSED/s)
  })
})

describe('a certificate that an authority gave before', () => {
  it('is asked for anew where the key beside it is another one, as after a renewal that was cut off', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-acme-'))
    try {
      const own = join(folder, 'acme')
      await mkdir(own)
      const given = makeCertificate(folder, 'DNS:cortex.example')
      await writeFile(join(own, 'cert.pem'), given.cert)
      await writeFile(join(own, 'key.pem'), given.key)
      const components = { clock: systemClock, logger: silentLogger, proof: httpProof(new Map()) }
      // Where nobody answers.
      const init = { folder, domains: ['cortex.example'], directoryUrl: `http://127.0.0.1:${await freePort()}/dir` }
      const kept = await keepAcmeCertificate(components, init)
      kept.stop()
      await writeFile(join(own, 'key.pem'), makeCertificate(folder, 'DNS:cortex.example').key)
      await assert.rejects(keepAcmeCertificate(components, init), { code: 'NO_CERTIFICATE' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
