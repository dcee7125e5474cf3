/** An authority’s question in a handshake of TLS: it gets its answer, and everybody else the usual certificate. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { crypto } from 'acme-client'
import { createAlpnAnswers } from '../../../gateway/http/acme-alpn.ts'
import type { Question } from '../../../gateway/http/acme-proof.ts'
import { createConnections } from '../../../gateway/http/connections.ts'
import { createListener } from '../../../gateway/http/listener.ts'
import { freePort } from '../../../scripts/free-port.ts'
import { makeCertificate } from '../../support/certificate.ts'

const NAME = 'cortex.example'
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

function question(name: string): Question {
  const identifier = { type: 'dns', value: name }
  const authorization = { identifier, url: '', status: 'pending' as const, challenges: [] }
  return { authorization, token: 'token', answer: `token.of-${name}` }
}

describe('an authority that asks by TLS', () => {
  const answers = createAlpnAnswers()
  const { signal } = new AbortController()
  let folder: string
  let port: number
  let own: string
  let close: () => Promise<void>
  /** What was asked over HTTP. */
  let asked = 0

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-alpn-'))
    const { cert, key } = makeCertificate(folder, `DNS:${NAME}`)
    own = cert
    const server = createServer({ cert, key, ALPNCallback: answers.ALPNCallback }, (_, response) => {
      asked += 1
      response.end('served')
    })
    server.on('upgrade', (_, socket) => socket.destroy())
    const listener = createListener(server, createConnections(server))
    close = listener.close
    await listener.listen('127.0.0.1', 0)
    port = (server.address() as AddressInfo).port
  })
  after(async () => {
    await close()
    await rm(folder, { recursive: true })
  })

  async function shake(options: ConnectionOptions, at = port): Promise<TLSSocket> {
    const socket = connect({ port: at, host: '127.0.0.1', servername: NAME, rejectUnauthorized: false, ...options })
    await once(socket, 'secureConnect')
    return socket
  }

  it('gets the answer that it wants, and the connection ends', async () => {
    const { authorization, answer } = question(NAME)
    await answers.proof.give(question(NAME), signal)
    const socket = await shake({ ALPNProtocols: ['acme-tls/1'] })
    assert.equal(socket.alpnProtocol, 'acme-tls/1')
    const found = socket.getPeerX509Certificate()
    assert.equal(found?.subjectAltName, `DNS:${authorization.identifier.value}`)
    assert.equal(crypto.isAlpnCertificateAuthorizationValid(found?.toString() ?? '', answer), true)
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    socket.on('error', () => undefined)
    await once(socket, 'close')
    assert.equal(asked, 0)
  })

  for (const version of VERSIONS) {
    it(`others get the usual certificate by ${version} meanwhile`, async () => {
      for (const ALPNProtocols of [['http/1.1'], ['acme-tls/1', 'http/1.1'], undefined]) {
        const servername = ALPNProtocols?.length === 2 ? 'other.example' : NAME
        const how = { servername, minVersion: version, maxVersion: version, ...(ALPNProtocols && { ALPNProtocols }) }
        const socket = await shake(how)
        assert.equal(socket.getPeerX509Certificate()?.toString(), own, String(ALPNProtocols))
        socket.destroy()
      }
    })

    it(`finds nothing by ${version} once it is over, or by another name`, async () => {
      const how = { ALPNProtocols: ['acme-tls/1'], minVersion: version, maxVersion: version }
      await answers.proof.give(question(NAME), signal)
      await assert.rejects(shake({ ...how, servername: 'other.example' }), { code: /ALERT_NO_APPLICATION_PROTOCOL$/ })
      await answers.proof.takeBack(question(NAME), signal)
      await assert.rejects(shake(how), { code: /ALERT_NO_APPLICATION_PROTOCOL$/ })
    })
  }

  it('is answered before there is a certificate, and nobody else is', async () => {
    const early = createAlpnAnswers()
    const at = await freePort()
    const listening = await early.listenEarly('127.0.0.1', at, {})
    try {
      await early.proof.give(question(NAME), signal)
      const socket = await shake({ ALPNProtocols: ['acme-tls/1'] }, at)
      const found = socket.getPeerX509Certificate()?.toString() ?? ''
      assert.equal(crypto.isAlpnCertificateAuthorizationValid(found, question(NAME).answer), true)
      socket.on('error', () => undefined)
      await once(socket, 'close')
      await assert.rejects(shake({ ALPNProtocols: ['acme-tls/1'], servername: 'other.example' }, at))
      await assert.rejects(shake({ ALPNProtocols: ['http/1.1'] }, at))
      for (const version of VERSIONS) await assert.rejects(shake({ minVersion: version, maxVersion: version }, at))
    } finally {
      await listening.close()
    }
    await assert.rejects(shake({}, at), { code: 'ECONNREFUSED' })
  })
})
