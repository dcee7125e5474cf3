import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HardeningOptions, labelsOf, toCreateOptions } from '../../../../provider-agent/engine/container/spec.ts'
import type { ContainerSpec } from '../../../../provider-agent/engine/index.ts'
import { toLogConfig } from '../../../../provider-agent/engine/logs/logs.ts'
import { NO_GPUS } from '../../../../provider-agent/gpus/gpus.ts'
import { bridgeName, bridgePrefix } from '../../../../provider-agent/networks/bridge-name.ts'
import { alone, joining, lentTo, sandboxOf, sandboxPrefix } from '../../../../provider-agent/networks/network-mode.ts'
import { toNetworkOptions } from '../../../../provider-agent/networks/network-spec.ts'
import { pickSubnet } from '../../../../provider-agent/networks/subnets.ts'

const spec: ContainerSpec = {
  name: 'cortex-job-1',
  image: 'busybox:1',
  command: [],
  args: ['echo', 'hi'],
  env: { A: '1', B: 'x=y' },
  cpuMillis: 1_500,
  memoryBytes: 64 * 1024 * 1024,
  storageBytes: 1024 * 1024 * 1024,
  gpu: 0,
  labels: { job: 'job-1' },
  owner: '12D3KooW',
  network: 'bridge',
}

const hardening: HardeningOptions = {
  pidsLimit: 512,
  maxOpenFiles: 16_384,
  maxUserProcesses: null,
  storageQuota: null,
  volumeQuota: null,
  isolation: 'container',
  runtime: null,
  nameServers: [],
  canSwapLess: true,
  useInit: true,
  privileges: 'ordinary',
  healthcheck: null,
  publishAt: null,
  weighing: { weight: 10, group: '/jobs', machineMillis: 8_000 },
  logConfig: toLogConfig({ driver: 'local', maxBytes: 1_000 }),
}

const least = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID', 'NET_BIND_SERVICE', 'KILL']

test('a container is created with all of its hardening', () => {
  assert.deepEqual(toCreateOptions(spec, hardening), {
    name: 'cortex-job-1',
    Image: 'busybox:1',
    Cmd: ['echo', 'hi'],
    Env: ['A=1', 'B=x=y'],
    Labels: { job: 'job-1', 'org.cortex-node.owner': '12D3KooW', 'org.cortex-node.gpus': '' },
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    OpenStdin: false,
    Tty: false,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: 'cortex-job-1',
      CapDrop: ['ALL'],
      CapAdd: [...least, 'FSETID', 'SETFCAP', 'SETPCAP', 'SYS_CHROOT', 'MKNOD', 'AUDIT_WRITE'],
      SecurityOpt: [],
      Privileged: false,
      PublishAllPorts: false,
      IpcMode: 'private',
      CgroupnsMode: 'private',
      PidsLimit: 512,
      NanoCpus: 1_500_000_000,
      CgroupParent: '/jobs',
      CpuShares: 1_536,
      Memory: 67_108_864,
      MemorySwap: 67_108_864,
      MemorySwappiness: 0,
      OomScoreAdj: 500,
      ShmSize: 33_554_432,
      Ulimits: [
        { Name: 'nofile', Soft: 16_384, Hard: 16_384 },
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'sigpending', Soft: 4_096, Hard: 4_096 },
        { Name: 'msgqueue', Soft: 409_600, Hard: 409_600 },
      ],
      Init: true,
      LogConfig: { Type: 'local', Config: { 'max-size': '1000', 'max-file': '2', compress: 'false' } },
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
    },
  })
})

test('entry 43: an owner may leave programs the least, and gains by setuid nothing', () => {
  const { HostConfig: config } = toCreateOptions(spec, { ...hardening, privileges: 'least' })
  assert.deepEqual([config?.CapAdd, config?.SecurityOpt], [least, ['no-new-privileges']])
})

test('entry 43: NET_RAW is given by neither kind, nor what reaches beyond the container', () => {
  const beyond = ['NET_RAW', 'NET_ADMIN', 'SYS_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'DAC_READ_SEARCH', 'SYS_RESOURCE']
  for (const privileges of ['ordinary', 'least'] as const) {
    const { CapAdd: given = [], CapDrop: dropped } =
      toCreateOptions(spec, { ...hardening, privileges }).HostConfig ?? {}
    assert.deepEqual([dropped, beyond.filter((one) => given.includes(one))], [['ALL'], []])
  }
})

test('entry 43: a job’s own shared memory, open files, processes and init go before the settings', () => {
  const asked = { ...spec, shmBytes: 4_096, openFiles: 100_000, pids: 2_000, init: false }
  const { HostConfig: config } = toCreateOptions(asked, hardening)
  assert.deepEqual([config?.ShmSize, config?.PidsLimit, config?.Init], [4_096, 2_000, false])
  assert.deepEqual(config?.Ulimits?.[0], { Name: 'nofile', Soft: 100_000, Hard: 100_000 })
})

test('what a job asks for besides is passed on', () => {
  const asked = {
    ...spec,
    command: ['/bin/sh', '-c'],
    args: [],
    stopSignal: 'SIGQUIT',
    gpu: 2,
    network: 'none' as const,
    volumes: [{ name: 'cortex-job-v', mountPath: '/data', sizeBytes: 1_000 }],
  }
  const requests = [{ Driver: '', DeviceIDs: ['GPU-1', 'GPU-2'], Capabilities: [['gpu']] }]
  const gpus = { host: { DeviceRequests: requests }, env: { A: 'the last word' }, given: ['GPU-1', 'GPU-2'] }
  const further = { storageQuota: 0, useInit: false, runtime: 'runsc', nameServers: ['9.9.9.9'], canSwapLess: false }
  const options = toCreateOptions(asked, { ...hardening, ...further }, gpus)
  assert.deepEqual(options.Entrypoint, ['/bin/sh', '-c'])
  assert.equal('Cmd' in options, false)
  assert.equal(options.StopSignal, 'SIGQUIT')
  assert.equal(options.HostConfig?.NetworkMode, 'none')
  assert.equal(options.HostConfig?.Init, false)
  assert.deepEqual(options.HostConfig?.StorageOpt, { size: '1073741824' })
  assert.deepEqual(options.HostConfig?.DeviceRequests, requests)
  assert.deepEqual(options.Env, ['A=the last word', 'B=x=y'])
  assert.equal(options.Labels?.['org.cortex-node.gpus'], 'GPU-1,GPU-2')
  assert.deepEqual(options.HostConfig?.Mounts, [{ Type: 'volume', Source: 'cortex-job-v', Target: '/data' }])
  assert.equal(options.HostConfig?.Runtime, 'runsc')
  assert.equal(options.HostConfig && 'MemorySwappiness' in options.HostConfig, false)
  assert.equal(options.HostConfig && 'Dns' in options.HostConfig, false, 'there is nothing to ask without a network')
  const gvisor = toCreateOptions({ ...spec, pids: 20 }, { ...hardening, ...further, isolation: 'gvisor' })
  assert.equal(gvisor.HostConfig?.PidsLimit, 64 + 8 * 20, 'with room for the threads of its kernel')
  const counting = toCreateOptions(spec, { ...hardening, ...further, storageQuota: 1_024 })
  assert.deepEqual(counting.HostConfig?.StorageOpt, { size: '1073742848' })
  assert.deepEqual(counting.HostConfig?.Dns, ['9.9.9.9'])
})

test('in a sandbox it joins another’s network, and asks that one’s name servers', () => {
  const options = toCreateOptions(
    spec,
    { ...hardening, nameServers: ['9.9.9.9'] },
    NO_GPUS,
    joining({ id: 'abc', name: 'box' }),
  )
  assert.equal(options.HostConfig?.NetworkMode, 'container:abc')
  assert.equal(options.HostConfig && 'Dns' in options.HostConfig, false)
  assert.deepEqual(sandboxOf(options.HostConfig?.NetworkMode, options.Labels), { id: 'abc', name: 'box' })
  const labelledByItsImage = { ...options.Labels }
  for (const mode of [undefined, 'none', 'cortex-job-1', 'host']) {
    assert.equal(sandboxOf(mode, labelledByItsImage), null, mode)
  }
})

test('on a network that is lent to it, it is as on one of its own, and only the engine can say that', () => {
  const network = `${sandboxPrefix('12D3KooWowner')}1234`
  const options = toCreateOptions(spec, { ...hardening, nameServers: ['9.9.9.9'] }, NO_GPUS, alone(network))
  const own = toCreateOptions(spec, { ...hardening, nameServers: ['9.9.9.9'] })
  assert.deepEqual(options, { ...own, HostConfig: { ...own.HostConfig, NetworkMode: network } })
  assert.equal(lentTo(options.HostConfig?.NetworkMode), network)
  for (const mode of [undefined, 'none', 'host', 'container:abc', own.HostConfig?.NetworkMode]) {
    assert.equal(lentTo(mode), null, mode)
  }
})

test('ports are published where there is an address for it, and only those that are to be', () => {
  const publish: NonNullable<ContainerSpec['publish']> = [
    { port: 80, protocol: 'TCP' },
    { port: 53, protocol: 'UDP' },
  ]
  const made = toCreateOptions({ ...spec, publish }, { ...hardening, publishAt: '192.0.2.1' })
  const where = [{ HostIp: '192.0.2.1', HostPort: '' }]
  assert.deepEqual(made.ExposedPorts, { '80/tcp': {}, '53/udp': {} })
  assert.deepEqual(made.HostConfig?.PortBindings, { '80/tcp': where, '53/udp': where })
  assert.deepEqual(toCreateOptions({ ...spec, publish }, hardening), toCreateOptions(spec, hardening))
  assert.deepEqual(
    toCreateOptions(spec, { ...hardening, publishAt: '192.0.2.1' }),
    toCreateOptions(spec, hardening),
    'a job that asks for none',
  )
})

test('a job cannot take the owner label', () => {
  const options = toCreateOptions({ ...spec, labels: { 'org.cortex-node.owner': 'somebody else' } }, hardening)
  assert.equal(options.Labels?.['org.cortex-node.owner'], '12D3KooW')
})

test('a name that means something in a path is refused', () => {
  for (const name of ['', 'a', '../x', 'a/b', 'a?b', 'a b', '.ab', 'a'.repeat(102), 'ab\n']) {
    const invalid = { code: 'ENGINE_ERROR', details: { reason: 'invalid-name' } }
    assert.throws(() => toCreateOptions({ ...spec, name }, hardening), invalid, JSON.stringify(name))
  }
})

test('the network is a bridge of the same name and owner', () => {
  assert.deepEqual(toNetworkOptions({ ...spec, labels: labelsOf(spec) }, null), {
    Name: 'cortex-job-1',
    Driver: 'bridge',
    CheckDuplicate: true,
    Attachable: false,
    EnableIPv6: false,
    Labels: { job: 'job-1', 'org.cortex-node.owner': '12D3KooW' },
    Options: { 'com.docker.network.bridge.name': bridgeName('12D3KooW', 'cortex-job-1') },
  })
  assert.deepEqual(toNetworkOptions(spec, '198.18.0.16/28').IPAM, {
    Driver: 'default',
    Config: [{ Subnet: '198.18.0.16/28' }],
  })
})

test('a bridge has a name that Linux takes, that begins as its agent’s do, and that is its own', () => {
  const name = bridgeName('me', 'one')
  assert.match(name, /^ctxj[0-9a-f]{11}$/)
  assert.ok(name.startsWith(bridgePrefix('me')))
  assert.notEqual(name, bridgeName('me', 'two'))
  assert.notEqual(bridgePrefix('me'), bridgePrefix('you'))
})

test('spare subnets stay within 198.18.0.0/15 and begin at a multiple of 16', () => {
  const cases: [number, string][] = [
    [0, '198.18.0.0/28'],
    [1 / 8_192, '198.18.0.16/28'],
    [16 / 8_192, '198.18.1.0/28'],
    [0.5, '198.19.0.0/28'],
    [0.999999, '198.19.255.240/28'],
  ]
  for (const [random, subnet] of cases) assert.equal(pickSubnet(random), subnet)
})
