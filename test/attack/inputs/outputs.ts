/** What a job leaves at its outputs that has no place there: the rest arrives, and the odd one is named. */

import assert from 'node:assert/strict'
import type { HostileInput } from '../support/inputs.ts'

const odd: [what: string, script: string, reason: RegExp][] = [
  ['a pipe', 'mkfifo /out/odd', /is a pipe/],
  ['an absolute link', 'ln -s /etc/shadow /out/odd', /links out/],
  ['a link that climbs', 'ln -s ../../etc /out/odd', /links out/],
  ['a link beside the output', 'ln -s ../tmp /out/odd', /links out/],
  ['a link that climbs by a folder', 'mkdir /out/d; ln -s d/../../tmp /out/odd', /links out/],
  ['a backslash', "echo x > '/out/odd\\..\\x'", /backslash/],
  ['a name that is no UTF-8', 'echo x > "$(printf \'/out/odd\\377\')"', /no UTF-8/],
  ['a sparse file of four times its storage', 'truncate -s 64M /out/odd', /larger than/],
  ['a pipe twice', 'mkfifo /out/odd; ln /out/odd /out/same', /is a pipe/],
]

export const inputs: HostileInput[] = odd.map(([what, script, reason]) => ({
  name: `entry 29: ${what} in a job's outputs`,
  async attempt({ url, alice, image, ownsKernel }) {
    // Such a kernel keeps pipes to itself: they are not among the files that are kept.
    if (ownsKernel && what.startsWith('a pipe')) return
    const id = await alice.api.submit({
      ...{ image, command: ['sh', '-c', `mkdir /out; echo before > /out/a; ${script}; echo after > /out/z`] },
      ...{ outputs: '/out', network: 'none', memory: '32Mi', storage: '16Mi', duration: 60 },
    })
    const { status } = await alice.api.ended(id)
    assert.equal(status, 'completed')
    const headers = { Authorization: `Bearer ${alice.key}` }
    const answer = await fetch(`${url}/api/plugin-core/jobs/${id}/output`, { headers })
    assert.equal(answer.status, 200)
    const tar = await answer.text()
    assert.match(tar, /before\n[\s\S]*after\n/)
    const { data: job } = await alice.api.call('GET', `/jobs/${id}`)
    assert.match(job.results.leftOut[0].path, /^out\/odd/)
    assert.match(job.results.leftOut[0].reason, reason)
    assert.equal(job.events.filter(({ type }: { type: string }) => type === 'left-out').length, 1)
  },
}))
