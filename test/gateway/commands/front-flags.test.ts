/** What flags of `cortex gateway` say of certificates, and which of them do not go together. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gatewayCommand } from '../../../gateway/commands/gateway.ts'
import { frontOf, type GatewayOptions } from '../../../gateway/commands/gateway-options.ts'

function front(...words: string[]): object {
  const command = gatewayCommand()
  command.exitOverride().configureOutput({ writeErr: () => undefined })
  command.action(() => undefined)
  command.parse(words, { from: 'user' })
  return frontOf(command.opts<GatewayOptions>())
}

const ACME = ['--acme', 'Cortex.example']
const OF = { domains: ['cortex.example'], email: undefined, directoryUrl: undefined }
const HOSTS = { allowedHosts: ['cortex.example'] }

describe('flags of certificates', () => {
  it('say how names are proved', () => {
    assert.deepEqual(front(...ACME), { acme: { ...OF, challenge: 'http-01' }, redirectPort: 80, ...HOSTS })
    assert.deepEqual(front(...ACME, '--acme-challenge', 'tls-alpn-01'), {
      acme: { ...OF, challenge: 'tls-alpn-01' },
      ...HOSTS,
    })
    const hook = ['--acme-dns-hook', './hook']
    assert.deepEqual(front(...ACME, ...hook, '--redirect-port', '8080'), {
      acme: { ...OF, challenge: { dnsHook: './hook' } },
      redirectPort: 8080,
      ...HOSTS,
    })
    assert.deepEqual(front('--acme', '*.jobs.cortex.example', ...ACME, '--acme-challenge', 'dns-01', ...hook), {
      acme: { ...OF, domains: ['*.jobs.cortex.example', 'cortex.example'], challenge: { dnsHook: './hook' } },
      ...HOSTS,
    })
    assert.deepEqual(front(), {})
  })

  const WRONG: [string[], RegExp][] = [
    [['--acme', '*.cortex.example'], /\*\.cortex\.example: a wildcard is proved by dns-01 alone: give --acme-dns-hook/],
    [['--acme', '*.cortex.example', '--acme-challenge', 'tls-alpn-01'], /a wildcard is proved by dns-01 alone/],
    [['--acme', 'a.*.example'], /Give a host name such as/],
    [['--acme', '*'], /Give a host name such as/],
    [[...ACME, '--acme-challenge', 'dns-01'], /needs --acme-dns-hook/],
    [
      [...ACME, '--acme-challenge', 'http-01', '--acme-dns-hook', 'x'],
      /--acme-dns-hook is for --acme-challenge dns-01/,
    ],
    [[...ACME, '--acme-challenge', 'dns-02'], /Allowed choices are http-01, tls-alpn-01, dns-01/],
    [['--acme-dns-hook', 'x'], /need --acme beside them/],
    [['--acme-challenge', 'http-01'], /need --acme beside them/],
    [[...ACME, '--tls-cert', 'a', '--tls-key', 'b'], /Give --tls-cert or --acme, not both/],
    [['--tls-cert', 'a'], /--tls-cert needs --tls-key/],
    [['--redirect-port', '80'], /--redirect-port leads to HTTPS/],
  ]
  for (const [words, expected] of WRONG) {
    it(`${words.join(' ')}: is refused`, () => assert.throws(() => front(...words), expected))
  }
})
