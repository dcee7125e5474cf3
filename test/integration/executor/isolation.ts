import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loop, MiB, type TestBed } from './bed.ts'
import { capabilityMask } from './capabilities.ts'

/** A container is kept from everything that is not its own. */
export function isolationTests(bed: TestBed): void {
  for (const [privileges, noNewPrivileges] of [
    ['ordinary', '0'],
    ['least', '1'],
  ] as const) {
    test(`entry 43: ${privileges} privileges: what is given and no other, and system calls are filtered`, async () => {
      const script = `grep -E '^(CapEff|CapBnd|CapInh|NoNewPrivs|Seccomp):' /proc/self/status`
      const container = await bed.run(script, {}, bed.makeEngine({ privileges }))
      const lines = await bed.readAll(container)
      const status = Object.fromEntries(lines.map(({ line }) => line.split(/:\s*/)))
      const given = capabilityMask(privileges)
      const all = JSON.stringify([lines, await bed.engine.wait(container)])
      assert.equal(Number.parseInt(status.CapEff, 16), given, all)
      assert.equal(Number.parseInt(status.CapBnd, 16), given)
      assert.equal(status.NoNewPrivs, noNewPrivileges)
      assert.equal(status.Seccomp, '2')
    })
  }

  const entrypoints: [string, string][] = [
    ['gives a folder away', 'mkdir /d && chown 65534:65534 /d'],
    ['sets modes on what it gave away', 'mkdir /d && chown 65534:65534 /d && chmod 700 /d'],
    ["writes into another's folder", 'mkdir /d && chmod 700 /d && chown 65534:65534 /d && echo x >/d/x'],
    ['becomes another user', '[ "$(su nobody -s /bin/sh -c "id -u; id -g" | tr "\\n" :)" = 65534:65534: ]'],
    ["signals another user's process", 'su nobody -s /bin/sh -c "exec sleep 60" & sleep 0.3; kill $! && ! wait $!'],
    ['listens on port 80', 'echo | timeout 1 nc -l -p 80 2>&1; [ $? -ne 1 ]'],
    ['changes its root', 'chroot / true'],
    ['keeps a folder’s group', 'mkdir /d && chown 0:65534 /d && chmod 2755 /d && [ -g /d ]'],
    ['makes a pipe and a device that it has', 'mknod /p p && mknod /n c 1 3 && echo x >/n'],
  ]
  for (const [what, script] of entrypoints) {
    test(`root in a container ${what}`, async () => {
      const container = await bed.run(script)
      assert.equal((await bed.engine.wait(container)).exitCode, 0, JSON.stringify(await bed.readAll(container)))
    })
  }

  const attacks: [string, string][] = [
    ['reads a disk', 'mknod /d b 8 0; mknod /e b 254 0; mknod /f b 7 0; cat /d || cat /e || cat /f'],
    [
      'reads the memory',
      'mknod /m c 1 1; head -c 1 /m; mknod /k c 1 2; head -c 1 /k; mknod /o c 1 4; head -c 1 /o | grep .',
    ],
    ['opens a raw socket', 'arping -c 1 -w 1 -I lo 127.0.0.1 2>&1 | grep -q "^Sent"'],
    ['mounts', 'mkdir /d && mount -t tmpfs none /d'],
    ['writes kernel settings', 'echo 1 >/proc/sys/kernel/sysrq'],
    ['changes its network', 'ip link add x type dummy'],
    ['leaves its limits', 'echo 1000000 >/sys/fs/cgroup/pids/pids.max'],
    ['makes a user namespace', 'unshare -U true'],
  ]
  for (const [what, script] of attacks) {
    test(`root in a container in vain ${what}`, async (t) => {
      const lack = what === 'makes a user namespace' ? bed.lacks?.['seccomp-namespaces'] : undefined
      if (lack !== undefined) return t.skip(lack)
      const container = await bed.run(`(${script}) 2>/dev/null`)
      const { exitCode } = await bed.engine.wait(container)
      assert.notEqual(exitCode, 0)
      assert.notEqual(exitCode, 127, 'the command is there')
    })
  }

  test('processes, files, memory and CPU are limited', async () => {
    const own = bed.makeEngine({ pidsLimit: 12, maxOpenFiles: 100 })
    const container = await bed.run(
      'ulimit -n; ulimit -Hn; for i in $(seq 30); do sleep 30 & done; echo all',
      { cpuMillis: 250, memoryBytes: 32 * MiB },
      own,
    )
    const lines = await bed.readAll(container)
    const out = lines.filter(({ stream }) => stream === 'stdout').map(({ line }) => line)
    assert.deepEqual(out, ['100', '100'])
    assert.match(lines.find(({ stream }) => stream === 'stderr')?.line ?? '', /fork/)
    const { HostConfig: config } = await bed.docker.getContainer(container).inspect()
    assert.equal(config.NanoCpus, 250_000_000)
    assert.equal(config.Memory, 32 * MiB)
    assert.equal(config.MemorySwap, 32 * MiB)
  })

  test('entry 43: shared memory is half of the memory, or what is asked; so are open files and processes', async () => {
    const script = 'df -k /dev/shm | tail -n 1; ulimit -n; ulimit -i; ulimit -q'
    const figures = async (extra: object): Promise<string[]> => {
      const [shm, ...limits] = (await bed.outputOf(script, extra)).map(({ line }) => line)
      return [shm?.trim().split(/\s+/)[1] ?? '', ...limits]
    }
    assert.deepEqual(await figures({ memoryBytes: 96 * MiB }), [String(48 * 1024), '16384', '4096', '409600'])
    const asked = { memoryBytes: 96 * MiB, shmBytes: 80 * MiB, openFiles: 5_000, pids: 900 }
    assert.deepEqual(await figures(asked), [String(80 * 1024), '5000', '4096', '409600'])
    const container = await bed.run(loop, asked)
    const { HostConfig: config } = await bed.docker.getContainer(container).inspect()
    assert.equal(config.PidsLimit, 900)
    await bed.engine.remove(container)
  })

  test('entry 44: without an init the program is process 1; with one it is not', async () => {
    for (const init of [true, false, undefined]) {
      const [first] = await bed.outputOf('echo $$', init === undefined ? {} : { init })
      assert.equal(first?.line === '1', init === false, `${init}: ${first?.line}`)
    }
  })

  test('a container has a network of its own, or none, and it goes with it', async () => {
    const interfaces = 'ls /sys/class/net'
    const none = await bed.outputOf(interfaces)
    assert.deepEqual(
      none.map(({ line }) => line),
      ['lo'],
    )
    const container = await bed.run(interfaces, { network: 'bridge' })
    const own = await bed.readAll(container)
    assert.deepEqual(own.map(({ line }) => line).toSorted(), ['eth0', 'lo'])
    const network = await bed.docker.getNetwork(container).inspect()
    assert.equal(network.Labels?.['org.cortex-node.owner'], bed.owner)
    await bed.engine.remove(container)
    await assert.rejects(bed.docker.getNetwork(container).inspect(), { statusCode: 404 })
  })

  for (const isolation of ['gvisor', 'vm'] as const) {
    test(`a runtime of the machine's own kernel is no proof of ${isolation}, whatever it is called`, async (t) => {
      if (bed.lacks?.proofs !== undefined) return t.skip(bed.lacks.proofs)
      const engine = bed.makeEngine({ walls: [{ isolation, runtime: null }] })
      await engine.features()
      const refused = { code: 'ENGINE_ERROR', message: /machine's own kernel.*--isolation (gvisor|vm)=RUNTIME/ }
      await assert.rejects(engine.prove(isolation), refused)
      await bed.makeEngine().prove('container')
      const left = await bed.docker.listContainers({ all: true, filters: { name: ['cortex-proof-'] } })
      const own = left.filter(({ Labels: labels }) => labels['org.cortex-node.owner'] === bed.owner)
      assert.deepEqual(own, [])
    })
  }

  test('no mounts of the host, no ports, no restart', async () => {
    const container = await bed.run(loop)
    const details = await bed.docker.getContainer(container).inspect()
    assert.deepEqual(details.Mounts, [])
    assert.deepEqual(details.NetworkSettings.Ports, {})
    assert.equal(details.HostConfig.RestartPolicy?.Name, 'no')
    assert.equal(details.HostConfig.AutoRemove, false)
    await bed.engine.remove(container)
  })
}
