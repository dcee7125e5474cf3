import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTraits } from '../../../provider-agent/engine/traits.ts'

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
  assert.deepEqual(toTraits(raw), {
    info: {
      version: '20.10.24+dfsg1',
      cpuMillis: 2_000,
      memoryBytes: 25_276_502_016,
      dataRoot: '/var/lib/docker',
      storageDriver: 'overlay2',
      architecture: 'amd64',
      cgroupVersion: 1,
    },
    hasInit: true,
    hasLocalLogs: true,
    runtimes: ['runc', 'runsc'],
  })
})

test('an engine without an init, without local logs, on another machine', () => {
  const other = {
    ...raw,
    InitCommit: { ID: 'N/A' },
    Plugins: { Log: ['k8s-file'] },
    Architecture: 'aarch64',
    CgroupVersion: '2',
  }
  const { info, hasInit, hasLocalLogs } = toTraits(other)
  assert.deepEqual([info.architecture, info.cgroupVersion, hasInit, hasLocalLogs], ['arm64', 2, false, false])
})
