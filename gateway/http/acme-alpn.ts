import { createServer } from 'node:https'
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import type { Proof } from './acme-proof.ts'
import { type ConnectionLimits, createConnections } from './connections.ts'
import { ACME_TLS, PROTOCOLS } from './handshakes.ts'
import { HEAD_MS } from './limits.ts'
import { createListener } from './listener.ts'

/** Answers to an authority in the handshake of TLS (RFC 8737), where HTTPS is served. */
export interface AlpnAnswers {
  proof: Proof
  /** Option of a server that speaks HTTPS as well: whoever does not ask as an authority does gets its own certificate. */
  ALPNCallback(this: TLSSocket, asked: { servername: string; protocols: string[] }): string | undefined
  /**
   * Listens where HTTPS will be, for as long as there is no certificate to serve: answers an authority, and nobody else.
   * @throws {ListenError}
   */
  listenEarly(host: string, port: number, connections: ConnectionLimits): Promise<{ close(): Promise<void> }>
}

/**
 * None yet. By TLS 1.3 alone, which authorities speak: the certificates of the library (acme-client 5.4) do not say that
 * their key may sign, as OpenSSL wants it in 1.2.
 */
export function createAlpnAnswers(): AlpnAnswers {
  const answers = new Map<string, SecureContext>()
  const proof: Proof = {
    challenge: 'tls-alpn-01',
    takesMs: 0,
    async give({ authorization, answer }) {
      const { crypto } = await import('acme-client')
      const ownKey = await crypto.createPrivateEcdsaKey()
      const [key, cert] = await crypto.createAlpnCertificate(authorization, answer, ownKey)
      answers.set(authorization.identifier.value, createSecureContext({ key, cert }))
    },
    async takeBack({ authorization }) {
      answers.delete(authorization.identifier.value)
    },
    where: ([name]) => `It asks ${name} by TLS (${ACME_TLS}) on port 443, which has to lead here, TLS and all`,
  }
  const ALPNCallback: AlpnAnswers['ALPNCallback'] = function ({ servername, protocols }) {
    const answer = protocols.includes(ACME_TLS) ? answers.get(servername) : undefined
    if (answer === undefined) return PROTOCOLS.find((protocol) => protocols.includes(protocol))
    this.setKeyCert(answer)
    return ACME_TLS
  }
  return {
    proof,
    ALPNCallback,
    async listenEarly(host, port, connections) {
      const options = {
        ALPNCallback,
        minVersion: 'TLSv1.3',
        handshakeTimeout: HEAD_MS,
        headersTimeout: HEAD_MS,
      } as const
      const server = createServer(options, ({ socket }) => socket.destroy())
      server.on('upgrade', (_, socket) => socket.destroy())
      const listener = createListener(server, createConnections(server, connections))
      await listener.listen(host, port)
      return listener
    },
  }
}
