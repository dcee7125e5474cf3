/** What programs of ordinary images need of their container, as under `docker run`. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { JobRecord } from '../../node/store/index.ts'
import { jobView } from '../../node/views/job-view.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { ensureDebianImage } from '../../scripts/debian-image.ts'
import { closeAll } from '../support/close-all.ts'
import { buildImage } from './support/build-image.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const report = (): void => undefined

describe('ordinary programs', () => {
  let market: TestMarket
  let debian: string | null
  const built: string[] = []
  before(async () => {
    market = await openMarket()
    debian = await ensureDebianImage(market.docker, report)
    await market.addSeller()
    await market.addSeller({ name: 'least', privileges: 'least' })
  })
  after(async () => {
    await closeAll(
      async () => await market.close(),
      ...built.map((image) => async () => await market.docker.getImage(image).remove({ force: true })),
    )
  })

  async function lines(id: string): Promise<string[]> {
    return (await market.node.store.logs(id, 1, 1_000)).map(({ line }) => line)
  }

  async function build(dockerfile: string[], files: Record<string, string> = {}): Promise<string> {
    const name = `cortex/test-${randomBytes(6).toString('hex')}:1`
    built.push(await buildImage(market.docker, name, [`FROM ${market.image}`, ...dockerfile], files))
    return name
  }

  const [ordinary, least] = [0, 1].map((i) => () => market.sellers[i]?.id ?? '') as [() => string, () => string]

  /** Each as root, in Debian; it ends well if it works. */
  const programs: [what: string, script: string][] = [
    [
      'sshd as root lets in who has the key',
      `mkdir -p /run/sshd ~/.ssh; chmod 700 ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
       cp ~/.ssh/id_ed25519.pub ~/.ssh/authorized_keys; /usr/sbin/sshd -p 2222
       [ "$(ssh -p 2222 -o StrictHostKeyChecking=no root@127.0.0.1 'id -un; echo over')" = "root
over" ]`,
    ],
    ['chmod 2755 keeps the group’s bit', 'mkdir /d && chgrp 33 /d && chmod 2755 /d && [ "$(stat -c %a /d)" = 2755 ]'],
    [
      'setcap gives a file its capability',
      'cp /bin/sleep /s && setcap cap_net_bind_service+ep /s && getcap /s | grep -q net_bind && su nobody -s /bin/sh -c "/s 0"',
    ],
    ['chroot', 'mkdir -p /jail/bin && chroot / true'],
    [
      'sudo makes a user root',
      `useradd -m u && echo 'u ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/u && [ "$(su u -c 'sudo id -u')" = 0 ]`,
    ],
    [
      'crontab, of root and of a user, and cron runs',
      `useradd -m c && echo '0 0 * * * true' | crontab - && su c -c "echo '0 1 * * * true' | crontab - && crontab -l | grep -q '0 1'" && cron && pgrep -x cron || pidof cron`,
    ],
    ['a program gives its capabilities away', 'capsh --drop=cap_chown -- -c "! chown 33 /etc/hostname 2>/dev/null"'],
    ['a device that the container has is made anew', 'mknod /n c 1 3 && echo x >/n'],
  ]
  for (const [what, script] of programs) {
    it(`entry 43: ${what}`, async (t) => {
      if (debian === null) return t.skip('an image of Debian packages needs root and apt-get')
      const wish = { image: debian, memory: '128Mi', storage: '64Mi', provider: ordinary(), maxAttempts: 1 }
      const { id, state } = await market.run(script, wish)
      assert.equal(state.status, 'completed', `${JSON.stringify(state)}\n${(await lines(id)).join('\n')}`)
    })
  }

  it('entry 43: an owner who leaves programs the least says so, and there nobody becomes root', async (t) => {
    if (debian === null) return t.skip('an image of Debian packages needs root and apt-get')
    const [, seller] = market.sellers
    assert.equal(seller?.agent.status().capabilities.includes('ordinary-privileges'), false)
    const script = `useradd -m u; echo 'u ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/u; su u -c 'sudo id -u' || exit 4`
    const wish = { image: debian, memory: '128Mi', storage: '64Mi', maxAttempts: 1 }
    const { state } = await market.run(script, { ...wish, provider: least() })
    assert.equal('exitCode' in state && state.exitCode, 4)
    const asking = market.job('true', { ...wish, constraints: { capabilities: ['ordinary-privileges'] } })
    const job = await market.ended((await market.submit(asking)).id)
    assert.equal('lease' in job.state && job.state.lease?.provider, ordinary())
  })

  it('entry 43: shared memory is half of the memory, or what is asked for', async () => {
    const size = async (wish: Partial<JobSubmission>): Promise<string> => {
      const { id } = await market.run('df -k /dev/shm | tail -n 1', { memory: '96Mi', ...wish })
      return (await lines(id)).join().split(/\s+/)[1] ?? ''
    }
    assert.deepEqual([await size({}), await size({ shmSize: '80Mi' })], [String(48 * 1024), String(80 * 1024)])
  })

  it('begins as whom and where the job says, and knows which job it is', async () => {
    const wish = { user: '1234:5678', workdir: '/srv/app', outputs: '/srv', env: { CORTEX_GPU: 'mine' } }
    const { id, state } = await market.run('id -u; id -g; pwd; env | grep ^CORTEX_ | sort', wish)
    const provider = 'lease' in state ? state.lease?.provider : null
    assert.deepEqual(await lines(id), [
      ...['1234', '5678', '/srv/app', 'CORTEX_ATTEMPT=1', 'CORTEX_CPU=100', 'CORTEX_DURATION=120', 'CORTEX_GPU=mine'],
      ...[`CORTEX_JOB_ID=${id}`, `CORTEX_MEMORY=${16 * 2 ** 20}`, 'CORTEX_OUTPUTS=/srv', `CORTEX_PROVIDER=${provider}`],
      `CORTEX_STORAGE=${16 * 2 ** 20}`,
    ])
  })

  it('has a terminal to write to where its job says so', async () => {
    const { id } = await market.run('[ -t 1 ] && echo "$TERM"', { tty: true })
    assert.deepEqual(await lines(id), ['xterm\r'])
    const { state } = await market.run('[ -t 1 ] && echo "$TERM"')
    assert.equal('exitCode' in state && state.exitCode, 1)
  })

  const insists = { 'only.sh': '#!/bin/sh\n[ $$ = 1 ] || { echo "can only run as pid 1"; exit 100; }\necho first\n' }

  it('entry 44: an image whose entrypoint insists on being process 1 runs: with init false, or by its name', async () => {
    const script = await build(['COPY only.sh /entry.sh', 'ENTRYPOINT ["/entry.sh"]'], insists)
    const named = await build(['COPY only.sh /init', 'ENTRYPOINT ["/init"]'], insists)
    const exitOf = async (image: string, wish: Partial<JobSubmission>): Promise<unknown> => {
      const { command: _, args: __, ...job } = market.job('', { image, maxAttempts: 1, ...wish })
      const { state } = await market.ended((await market.submit(job)).id)
      return 'exitCode' in state ? state.exitCode : state
    }
    assert.deepEqual(
      await Promise.all([
        exitOf(script, {}),
        exitOf(script, { init: false }),
        exitOf(named, {}),
        exitOf(named, { init: true }),
      ]),
      [100, 0, 0, 100],
    )
  })

  it('entry 44: an image’s own stop signal ends it; the job’s goes before it', async () => {
    const trap = (signal: string): string => `trap "echo ${signal}; exit 0" ${signal}`
    const script = `${['INT', 'TERM', 'QUIT'].map(trap).join('; ')}; echo up; while :; do sleep 0.1; done`
    const image = await build(['STOPSIGNAL SIGINT'])
    const heard = async (wish: Partial<JobSubmission>): Promise<string[]> => {
      const { id } = await market.submit(market.job(script, { stopGraceSeconds: 30, ...wish }))
      await market.when(id, ({ logs }) => logs.lines > 0)
      await market.node.requester.cancel(id)
      await market.ended(id)
      return (await lines(id)).slice(1)
    }
    assert.deepEqual(await Promise.all([heard({}), heard({ image }), heard({ image, stopSignal: 'SIGQUIT' })]), [
      ['TERM'],
      ['INT'],
      ['QUIT'],
    ])
  })

  it('entry 44: an image’s health check is kept, and shown while the job runs', async () => {
    const image = await build(['HEALTHCHECK --interval=1s --retries=1 CMD [ -e /well ]'])
    const { id } = await market.submit(market.job('sleep 30; : >/well; while :; do sleep 0.2; done', { image }))
    const shown = async (health: string): Promise<void> => {
      await market.when(id, (job) => jobView(job, market.node.directory).health === health)
    }
    await shown('unhealthy')
    await shown('healthy')
    await market.node.requester.cancel(id)
    const job = await market.ended(id)
    assert.equal(jobView(job, market.node.directory).health, null)
    const plain = await market.run('sleep 2')
    assert.equal('lease' in plain.state && plain.state.lease?.health, undefined)
  })

  it('entry 42: ports are looked at, TCP and UDP, and nobody connects', async (t) => {
    if (debian === null) return t.skip('an image of Debian packages needs root and apt-get')
    const script = `mkdir -p /run/sshd; /usr/sbin/sshd -D -e -p 2222 2>/log & python3 -c "
import socket, time
sockets = []
for kind, at in ((1, ('0.0.0.0', 8080)), (1, ('127.0.0.1', 8081)), (2, ('0.0.0.0', 5353))):
    s = socket.socket(2, kind); s.bind(at); sockets.append(s)
    if kind == 1: s.listen()
sockets[0].settimeout(8)
try: print('connected', sockets[0].accept()[1], flush=True)
except TimeoutError: print('nobody', flush=True)
"; grep -c Connection /log; while :; do sleep 1; done`
    const ports = [2222, 8080, 8081, 8082].map((port) => ({ port }))
    const udp = [5353, 5354].map((port) => ({ port, protocol: 'UDP' as const }))
    const wish = {
      image: debian,
      memory: '128Mi',
      storage: '64Mi',
      network: 'bridge' as const,
      ports: [...ports, ...udp],
    }
    const { id } = await market.submit(market.job(script, { ...wish, provider: ordinary() }))
    const told = ({ state }: JobRecord, port: number): string | undefined =>
      'lease' in state ? state.lease?.endpoints?.find((one) => one.port === port)?.health : undefined
    const healths = async (): Promise<string[]> => {
      const job = await market.when(id, (one) => [2222, 8080, 5353].every((port) => told(one, port) === 'answering'))
      return jobView(job, market.node.directory).endpoints.map(({ port, health }) => `${port} ${health}`)
    }
    assert.deepEqual(await healths(), [
      ...['2222 answering', '8080 answering', '8081 silent', '8082 silent', '5353 answering', '5354 silent'],
    ])
    await market.when(id, ({ logs }) => logs.lines >= 2)
    assert.deepEqual(await lines(id), ['nobody', '0'])
    await market.node.requester.cancel(id)
    await market.ended(id)
  })
})
