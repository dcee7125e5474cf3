import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loop, MiB, type TestBed } from './bed.ts'

/** A container is kept from everything that is not its own. */
export function isolationTests(bed: TestBed): void {
  test('capabilities are dropped, privileges cannot be gained, system calls are filtered', async () => {
    const lines = await bed.outputOf(`grep -E '^(CapEff|CapBnd|CapInh|NoNewPrivs|Seccomp):' /proc/self/status`)
    const status = Object.fromEntries(lines.map(({ line }) => line.split(/:\s*/)))
    // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10.
    const kept = [0, 1, 3, 5, 6, 7, 10].reduce((mask, bit) => mask | (1 << bit), 0)
    assert.equal(Number.parseInt(status.CapEff, 16), kept)
    assert.equal(Number.parseInt(status.CapBnd, 16), kept)
    assert.equal(status.NoNewPrivs, '1')
    assert.equal(status.Seccomp, '2')
  })

  const entrypoints: [string, string][] = [
    ['gives a folder away', 'mkdir /d && chown 65534:65534 /d'],
    ['sets modes on what it gave away', 'mkdir /d && chown 65534:65534 /d && chmod 700 /d'],
    ["writes into another's folder", 'mkdir /d && chmod 700 /d && chown 65534:65534 /d && echo x >/d/x'],
    ['becomes another user', '[ "$(su nobody -s /bin/sh -c "id -u; id -g" | tr "\\n" :)" = 65534:65534: ]'],
    ["signals another user's process", 'su nobody -s /bin/sh -c "exec sleep 60" & sleep 0.3; kill $! && ! wait $!'],
    ['listens on port 80', 'echo | timeout 1 nc -l -p 80 2>&1; [ $? -ne 1 ]'],
  ]
  for (const [what, script] of entrypoints) {
    test(`root in a container ${what}`, async () => {
      const container = await bed.run(script)
      assert.equal((await bed.engine.wait(container)).exitCode, 0, JSON.stringify(await bed.readAll(container)))
    })
  }

  const attacks: [string, string][] = [
    ['makes a device', 'mknod /d b 8 0'],
    ['mounts', 'mkdir /d && mount -t tmpfs none /d'],
    ['writes kernel settings', 'echo 1 >/proc/sys/kernel/sysrq'],
    ['changes its network', 'ip link add x type dummy'],
    ['changes its root', 'chroot / true'],
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
