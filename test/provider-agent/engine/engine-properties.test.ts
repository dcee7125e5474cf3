import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toProperties } from '../../../provider-agent/engine/engine-properties.ts'

/** From Docker 20.10, shortened. */
const raw = {
  ServerVersion: '20.10.24+dfsg1',
  NCPU: 2,
  MemTotal: 25_276_502_016,
  DockerRootDir: '/var/lib/docker',
  Driver: 'overlay2',
  Architecture: 'x86_64',
  CgroupVersion: '1',
  InitBinary: 'docker-init',
  InitCommit: { ID: '', Expected: '' },
  Plugins: { Log: ['json-file', 'local'] },
  Runtimes: { runsc: { path: '/usr/bin/runsc' }, runc: { path: 'runc' } },
}

test('the engine says what it is', () => {
  assert.deepEqual(toProperties(raw), {
    info: {
      version: '20.10.24+dfsg1',
      cpuMillis: 2_000,
      memoryBytes: 25_276_502_016,
      dataRoot: '/var/lib/docker',
      storageDriver: 'overlay2',
      architecture: 'amd64',
      cgroupVersion: 1,
      outlived: false,
      gpuDriver: { nvidia: false, cdi: [] },
    },
    hasInit: true,
    hasLocalLogs: true,
    isPodman: false,
    bySystemd: false,
    isRootless: false,
    sharesLayers: true,
    runtimes: ['runc', 'runsc'],
  })
})

test('an engine that wants every layer of an image', () => {
  const status: [string, string][] = [['driver-type', 'io.containerd.snapshotter.v1']]
  assert.equal(toProperties({ ...raw, DriverStatus: status }).sharesLayers, false)
  assert.equal(toProperties({ ...raw, BuildahVersion: '1.28' }).sharesLayers, false)
})

test('an engine without an init, without local logs, on another machine', () => {
  const other = {
    ...raw,
    InitCommit: { ID: 'N/A' },
    Plugins: { Log: ['k8s-file'] },
    Architecture: 'aarch64',
    CgroupVersion: '2',
    CgroupDriver: 'systemd',
  }
  const { info, hasInit, hasLocalLogs, bySystemd } = toProperties(other)
  assert.deepEqual([info.architecture, info.cgroupVersion, hasInit, hasLocalLogs], ['arm64', 2, false, false])
  assert.equal(bySystemd, true)
})

test('an engine that can pass GPUs on', () => {
  // As the NVIDIA container toolkit's guide has the engine set up, and as Docker's API reference shows them.
  const runtimes = {
    'io.containerd.runc.v2': { path: 'runc' },
    nvidia: { path: '/usr/bin/nvidia-container-runtime' },
    runc: { path: 'runc' },
  }
  const discovered = [
    { Source: 'cdi', ID: 'vendor.com/net=eth0' },
    { Source: 'cdi', ID: 'nvidia.com/gpu=0' },
    { Source: 'cdi', ID: 'nvidia.com/gpu=all' },
    { Source: 'cdi', ID: 'amd.com/gpu=0' },
  ]
  const cdi = ['nvidia.com/gpu=0', 'nvidia.com/gpu=all', 'amd.com/gpu=0']
  const cases: [Partial<Parameters<typeof toProperties>[0]>, unknown][] = [
    [{}, { nvidia: false, cdi: [] }],
    [
      { Runtimes: null, DiscoveredDevices: null },
      { nvidia: false, cdi: [] },
    ],
    [
      { Runtimes: { runc: {} }, DiscoveredDevices: [] },
      { nvidia: false, cdi: [] },
    ],
    [{ Runtimes: runtimes }, { nvidia: true, cdi: [] }],
    [
      { Runtimes: { runc: {} }, DiscoveredDevices: discovered },
      { nvidia: false, cdi },
    ],
    [
      { Runtimes: runtimes, DiscoveredDevices: discovered },
      { nvidia: true, cdi },
    ],
  ]
  for (const [more, expected] of cases) assert.deepEqual(toProperties({ ...raw, ...more }).info.gpuDriver, expected)
})

test('an engine without root', () => {
  // From the documentation of rootless Docker.
  const options = ['name=seccomp,profile=builtin', 'name=rootless', 'name=cgroupns']
  assert.equal(toProperties({ ...raw, SecurityOptions: options }).isRootless, true)
  assert.equal(toProperties({ ...raw, SecurityOptions: options.slice(0, 1) }).isRootless, false)
})
