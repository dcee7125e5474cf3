/** Limits of storage where the engine's driver has no quota: use is measured, and what goes beyond is ended. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JobRecord } from '../../node/store/index.ts'
import { ensureDebianImage } from '../../scripts/debian-image.ts'
import { until } from '../support/until.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

const MiB = 2 ** 20

describe('measured storage', { concurrency: 4 }, () => {
  let market: TestMarket
  let seller: Seller

  before(async () => {
    market = await openMarket()
    seller = await market.addSeller({ agent: { storageMs: 500 } })
  })
  after(async () => await market.close())

  const isHard = (): boolean => seller.agent.status().capabilities.includes('storage-quota')
  const hard = 'the engine here has quotas of its own: they are tested on btrfs, with the attacks'

  function failureOf({ state }: JobRecord): { code: string; details: Record<string, string> } {
    assert.equal(state.status, 'failed')
    assert.ok('failure' in state)
    const { code, details } = state.failure
    return { code, details: details as Record<string, string> }
  }

  const beyond: [string, string, string][] = [
    ['a file', `head -c ${40 * MiB} /dev/zero >/x; sleep 1000`, 'storage'],
    // An empty file takes an inode, of which a disk has so many.
    ['files of nothing', 'mkdir /d; cd /d; seq 9000 | xargs touch; sleep 1000', 'storage'],
    ['a volume', `head -c ${12 * MiB} /dev/zero >/data/x; sleep 1000`, 'volume'],
    ['entry 5: a deleted file', `exec 3>/x; rm /x; head -c ${40 * MiB} /dev/zero >&3; sleep 1000`, 'storage'],
    [
      'entry 5: a deleted file of a volume',
      `exec 3>/data/x; rm /data/x; head -c ${12 * MiB} /dev/zero >&3; sleep 1000`,
      'volume',
    ],
    [
      'entry 5: a file that another took the name of',
      `exec 3>/x; : >/y; mv /y /x; head -c ${40 * MiB} /dev/zero >&3; sleep 1000`,
      'storage',
    ],
    // Each with 4 MiB.
    [
      'entry 5: many deleted files of many processes',
      `for i in $(seq 10); do (exec 3>/$i; rm /$i; head -c ${4 * MiB} /dev/zero >&3; sleep 1000) & done; sleep 1000`,
      'storage',
    ],
    [
      'entry 5: a deleted file of a command that is no child of the program',
      `(setsid sh -c 'exec 3>/x; rm /x; head -c ${40 * MiB} /dev/zero >&3; sleep 1000' &) ; sleep 1000`,
      'storage',
    ],
    [
      'entry 5: a deleted file of many links',
      `exec 3>/x; for i in $(seq 5); do ln /x /x$i; done; rm /x*; head -c ${40 * MiB} /dev/zero >&3; sleep 1000`,
      'storage',
    ],
    ...['hosts', 'resolv.conf', 'hostname'].map((file): [string, string, string] => [
      `entry 5: the file /etc/${file} of the engine`,
      `head -c ${40 * MiB} /dev/zero >/etc/${file}; sleep 1000`,
      'storage',
    ]),
    [
      'entry 5: extended names of directories',
      'n=$(printf %0200d 0); mkdir /d; cd /d; seq 9000 | while read i; do mkdir $n$i; done; sleep 1000',
      'storage',
    ],
  ]
  for (const [what, script, kind] of beyond) {
    it(`${what} beyond the limit ends the job, which is told limit and use`, async (t) => {
      if (isHard() && !what.includes('of the engine')) return t.skip(hard)
      const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
      // The kernel's memory for thousands of new files is the job's, too, until they are on the disk.
      const spec = { volumes, memory: '128Mi', maxAttempts: 1, duration: 1_200 }
      const { code, details } = failureOf(await market.run(script, spec))
      assert.equal(code, 'RESOURCE_LIMIT_EXCEEDED')
      assert.equal(details.reason, 'storage-limit')
      assert.equal(details.what, kind)
      assert.equal(details.volume, kind === 'volume' ? 'data' : undefined)
      const limit = kind === 'volume' ? 8 * MiB : 16 * MiB
      assert.equal(details.limitBytes, String(limit))
      assert.ok(Number(details.usedBytes) > limit, details.usedBytes)
    })
  }

  /** What busybox has no words for. */
  const unnamed: [what: string, program: string, kind: string][] = [
    ['a file that never had a name', `sysopen(F, '/tmp', 020200002) or die $!; fill(F, 40); sleep 1000`, 'storage'],
    [
      'a file of a volume that never had a name',
      `sysopen(F, '/data', 020200002) or die $!; fill(F, 12); sleep 1000`,
      'volume',
    ],
    [
      'a file that is mapped, and open no longer',
      `open(F, '+>', '/x'); unlink '/x'; truncate(F, 40 << 20); my $at = syscall(9, 0, 40 << 20, 3, 1, fileno(F), 0);
       close F; open(Z, '<', '/dev/zero'); syscall(0, fileno(Z), $at, 40 << 20); sleep 1000`,
      'storage',
    ],
    [
      'a file that a thread has open for itself alone',
      `threads->create(sub { syscall(436, 1000, 1000, 2) == 0 or die; open(F, '+>', '/x'); unlink '/x'; fill(F, 40); sleep 1000 })->join`,
      'storage',
    ],
  ]
  for (const [what, program, kind] of unnamed) {
    it(`entry 5: ${what}: ends the job`, async (t) => {
      if (isHard()) return t.skip(hard)
      const image = await ensureDebianImage(market.docker, () => undefined)
      if (image === null) return t.skip('an image of Debian packages needs root and apt-get')
      const args = ['-Mthreads', '-e', `sub fill { syswrite($_[0], "x" x (1 << 20)) for 1 .. $_[1] } ${program}`]
      const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
      const wish = { image, command: ['perl'], args, volumes, memory: '128Mi', maxAttempts: 1, duration: 1_200 }
      const { code, details } = failureOf(await market.run('', wish))
      assert.deepEqual([code, details.reason, details.what], ['RESOURCE_LIMIT_EXCEEDED', 'storage-limit', kind])
    })
  }

  const within: [what: string, script: string, changes?: object][] = [
    [
      'memory is no disk: shared memory, and files there that are deleted',
      `exec 3>/dev/shm/x; rm /dev/shm/x; head -c ${30 * MiB} /dev/zero >&3`,
    ],
    ['a file with holes', `truncate -s 1G /x; exec 3>/y; rm /y; truncate -s 1G /proc/self/fd/3`],
    ['one file by many names', `head -c ${10 * MiB} /dev/zero >/x; for i in $(seq 5); do ln /x /x$i; done`],
    [
      'a deleted file that is open more than once',
      `head -c ${10 * MiB} /dev/zero >/x; exec 3</x 4</x 5</x; (sleep 3) & rm /x`,
    ],
    [
      'programs of the image that were deleted while they run',
      'sleep 6 & rm /bin/busybox; wait; exit 0',
      { storage: '1Mi', volumes: [] },
    ],
    ['a few lines in the files of the engine', 'for f in hosts resolv.conf hostname; do echo "# mine" >>/etc/$f; done'],
  ]
  for (const [what, script, changes] of within) {
    it(`entry 5: ${what}: the job goes on`, async () => {
      const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
      // Longer than it takes to look twice.
      const { state } = await market.run(`${script}; sleep 3`, { volumes, maxAttempts: 1, memory: '96Mi', ...changes })
      assert.equal(state.status, 'completed', JSON.stringify(state))
    })
  }

  it('a job that stays within its limits is left alone; its volume is there for the next attempt, and goes with it', async () => {
    const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
    // The first attempt leaves something, and fails.
    const script = `head -c ${6 * MiB} /dev/zero >/x; [ -e /data/x ] && exit 0; head -c ${6 * MiB} /dev/zero >/data/x; sleep 1; exit 3`
    const { id, state, attempt } = await market.run(script, { volumes, maxAttempts: 2, retryOnFailure: true })
    assert.deepEqual([state.status, attempt], ['completed', 2])
    const filters = { label: [`org.cortex-node.owner=${seller.id}`, `cortex.job=${id}`] }
    await until(
      async () => (await market.docker.listVolumes({ filters: JSON.stringify(filters) })).Volumes.length === 0,
    )
  })
})
