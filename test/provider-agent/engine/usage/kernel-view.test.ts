import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  hasListener,
  isPastListeners,
  listensAt,
  processFolder,
  writtenFolder,
} from '../../../../provider-agent/engine/usage/kernel-view.ts'

const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const line = (local: string, state: string, remote = '00000000:0000'): string =>
  `${head}   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 69654 1 0 100 0 0 10 0\n`

describe('entry 42: whether a program listens, as the kernel lists sockets', () => {
  const cases: [what: string, list: string, port: number, protocol: 'TCP' | 'UDP', listens: boolean][] = [
    ['at every address', line('00000000:1F90', '0A'), 8080, 'TCP', true],
    ['at the container’s own', line('020011AC:1F90', '0A'), 8080, 'TCP', true],
    ['at every address of IPv6', line(`${'0'.repeat(32)}:1F90`, '0A', `${'0'.repeat(32)}:0000`), 8080, 'TCP', true],
    ['at an IPv4 address as IPv6', line(`${'0'.repeat(16)}FFFF0000020011AC:1F90`, '0A'), 8080, 'TCP', true],
    ['at a low port', line('00000000:0016', '0A'), 22, 'TCP', true],
    ['on loopback alone', line('0100007F:1F90', '0A'), 8080, 'TCP', false],
    ['on another address of loopback', line('0200007F:1F90', '0A'), 8080, 'TCP', false],
    ['on loopback of IPv6', line('00000000000000000000000001000000:1F90', '0A'), 8080, 'TCP', false],
    ['on IPv4’s loopback as IPv6', line(`${'0'.repeat(16)}FFFF00000100007F:1F90`, '0A'), 8080, 'TCP', false],
    ['at another port', line('00000000:1F91', '0A'), 8080, 'TCP', false],
    ['a connection is no listener', line('020011AC:1F90', '01', '010011AC:A000'), 8080, 'TCP', false],
    ['nor one from such a port', line('020011AC:A000', '01', '010011AC:1F90'), 8080, 'TCP', false],
    ['datagrams', line('00000000:14E9', '07'), 5353, 'UDP', true],
    ['datagrams of one peer', line('020011AC:14E9', '01', '08080808:0035'), 5353, 'UDP', false],
    ['nothing', head, 8080, 'TCP', false],
  ]
  for (const [what, list, port, protocol, listens] of cases) {
    it(what, () => assert.equal(hasListener(list, port, protocol), listens))
  }

  it('of a list that is too long the beginning is enough where it goes beyond what listens', () => {
    const listens = line('00000000:1F90', '0A')
    const connected = line('020011AC:1F90', '01', '010011AC:A000')
    const cut = '   9: 020011AC:1F9'
    assert.deepEqual(
      [listens + cut, listens + connected + cut, connected + cut, head + cut].map((list) =>
        isPastListeners(list, 'TCP'),
      ),
      [false, true, true, false],
    )
    assert.equal(isPastListeners(line('00000000:14E9', '07') + cut, 'UDP'), false)
  })

  it('of this process it is seen while it listens, and no longer; of a process that is gone nothing can be told', async () => {
    const server = createServer(() => assert.fail('somebody connected'))
    server.listen(0, '0.0.0.0')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    assert.equal(await listensAt('/proc/self', port, 'TCP'), true)
    server.close()
    await once(server, 'close')
    assert.equal(await listensAt('/proc/self', port, 'TCP'), false)
    assert.equal(await listensAt('/proc/0', port, 'TCP'), null)
  })
})

describe('a container’s process is believed to be here', () => {
  it('only where its control group has the container’s name', async () => {
    assert.equal(await processFolder({ Id: 'f'.repeat(64), State: { Pid: process.pid } }), null)
  })

  for (const pid of [0, -1, Number.NaN]) {
    it(`not as process ${pid}`, async () => assert.equal(await processFolder({ Id: '', State: { Pid: pid } }), null))
  }
})

describe('what a container wrote over its image', () => {
  const layers = 'lowerdir=/x/1/fs:/x/2/fs,upperdir=/x/3/my\\040data/fs,workdir=/x/3/work'
  const cases: [what: string, mounts: string[], folder: string | null][] = [
    [
      'an overlay',
      [`36 35 0:52 / / rw,relatime master:1 - overlay overlay rw,${layers},nouserxattr=on`],
      '/x/3/my data/fs',
    ],
    [
      'an overlay beneath its root alone',
      ['36 35 8:1 / / rw - ext4 /dev/vda rw', `37 36 0:52 / /mnt rw - overlay overlay rw,${layers}`],
      null,
    ],
    ['another file system', ['36 35 0:30 /@snapshots/4 / rw,relatime - btrfs /dev/loop0 rw,subvol=/upperdir=x'], null],
    ['a read-only overlay', ['36 35 0:52 / / ro - overlay overlay ro,lowerdir=/x/1/fs:/x/2/fs'], null],
  ]
  for (const [what, mounts, folder] of cases) {
    it(what, async (test) => {
      const at = await mkdtemp(join(tmpdir(), 'cortex-mounts-'))
      test.after(async () => await rm(at, { recursive: true, force: true }))
      await writeFile(join(at, 'mountinfo'), `${mounts.join('\n')}\n`)
      assert.equal(await writtenFolder(at), folder)
    })
  }
})
