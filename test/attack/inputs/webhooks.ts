/** Webhooks that lead inside: every way to write an address that is not the internet's. */

import assert from 'node:assert/strict'
import type { HostileInput } from '../support/inputs.ts'

const hosts = [
  ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', '127.0.0.1', '127.1', '127.0.1', '127.255.255.254'],
  ...['2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001', '0', '0.0.0.0', '00.00.00.00'],
  ...['10.0.0.1', '10.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.1', '169.254.169.254', '169.254.1.1'],
  ...[
    '0xa9fea9fe',
    '2852039166',
    '0xA9.0xFE.0xA9.0xFE',
    '0251.0376.0251.0376',
    '100.64.0.1',
    '198.18.0.1',
    '224.0.0.1',
  ],
  ...['255.255.255.255', '192.0.0.1', '[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
  ...[
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[::127.0.0.1]',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00::1]',
  ],
  ...[
    '[ff02::1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:7f00:1::]',
    '[2002:a9fe:a9fe::]',
    '[2001:db8::1]',
  ],
  ...['①②⑦.⓪.⓪.①', '127。0。0。1', '127%2E0%2E0%2E1', '%6cocalhost', '１２７.0.0.1'],
]

const urls = [
  ...hosts.map((host) => `http://${host}/`),
  ...['http://user:password@example.com/', 'http://user@127.0.0.1/', 'file:///etc/passwd', 'ftp://example.com/'],
  ...['gopher://127.0.0.1:6379/_x', 'unix:/var/run/docker.sock', 'http://', 'http:///x', '//127.0.0.1/', 'data:,x'],
  ...[
    'javascript:alert(1)',
    'http://127.0.0.1:80\\@example.com/',
    'http://[::1',
    `http://${'a'.repeat(3000)}.example/`,
  ],
]

export const inputs: HostileInput[] = urls.map((url) => ({
  name: `a webhook to ${url.slice(0, 80)}`,
  async attempt({ alice }) {
    const { status, code } = await alice.api.call('POST', '/webhooks', { url, events: ['job.created'] })
    assert.deepEqual([status, code], [400, 'VALIDATION_ERROR'])
  },
}))
