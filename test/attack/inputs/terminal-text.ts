/** Text that acts on the terminal of whoever lists what it is part of. */

import assert from 'node:assert/strict'
import type { HostileInput } from '../support/inputs.ts'

const texts: [what: string, text: string][] = [
  ['a colour', '\u001b[31mred'],
  ['a cleared screen', '\u001b[2J\u001b[H'],
  ['a title (OSC 0)', '\u001b]0;owned\u0007'],
  ['a link (OSC 8)', '\u001b]8;;http://evil.example\u0007click'],
  ['the clipboard (OSC 52)', '\u001b]52;c;cm0gLXJm\u0007'],
  ['CSI as one C1 byte', '\u009b31m'],
  ['OSC as one C1 byte', '\u009d0;owned\u009c'],
  ['a new line', 'a\nadmin key  forged'],
  ['a carriage return', 'safe\rforged'],
  ['backspaces', 'forged\b\b\b\b\b\bsafe'],
  ['DEL', 'a\u007fb'],
  ['NUL', 'a\0b'],
  ['text from right to left', 'invoice\u202efdp.exe'],
  ['an isolate', '\u2066a\u2069'],
  ['a mark of direction', 'a\u200fb'],
  ['nothing to see', 'ad\u200bmin'],
  ['a byte order mark', '\ufeffadmin'],
  ['a line separator', 'a\u2028b'],
  ['half a surrogate', 'a\ud800'],
]

const job = { image: 'busybox', command: ['true'] }
const events = ['job.failed']

/** Each place where somebody's words are kept for others to read. */
const places: [what: string, path: string, body: (text: string) => object][] = [
  ['the name of a key', '/../auth/keys', (name) => ({ name })],
  ['the name of a template', '/jobs/templates', (name) => ({ name, config: job })],
  [
    'the name of a schedule',
    '/jobs/schedules',
    (name) => ({ name, schedule: '0 0 1 1 *', enabled: false, config: job }),
  ],
  ['the name of a webhook', '/webhooks', (name) => ({ name, url: 'https://example.com/', events })],
  ['the address of a webhook', '/webhooks', (text) => ({ url: `https://example.com/${text}x`, events })],
  ['a label of a job', '/jobs', (text) => ({ ...job, labels: { team: text } })],
  ['the image of a job', '/jobs', (text) => ({ ...job, image: `busybox${text}x` })],
]

export const inputs: HostileInput[] = places.flatMap(([what, path, body]) =>
  texts.map(
    ([kind, text]): HostileInput => ({
      name: `entry 17: ${kind} in ${what}`,
      async attempt({ alice }) {
        const { status, code, data } = await alice.api.call('POST', path, body(text))
        if (data?.id !== undefined) await alice.api.call('DELETE', `${path}/${data.id}`)
        assert.deepEqual([status, code], [400, 'VALIDATION_ERROR'])
      },
    }),
  ),
)
