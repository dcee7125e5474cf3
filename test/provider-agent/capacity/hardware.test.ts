import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { describeHardware, hardwareView } from '../../../node/views/hardware-view.ts'
import { findHardware, hardwareOf, type SystemFacts, wayOut } from '../../../provider-agent/capacity/hardware.ts'

const SERVER: SystemFacts = {
  cpu: { manufacturer: 'AMD', brand: 'EPYC 7B13', speed: 2.25, speedMax: 3.5, cores: 128, physicalCores: 64 },
  memory: [{ type: 'DDR4', clockSpeed: 3_200 }],
  disks: [
    { device: '/dev/sda', type: 'HD', name: 'ST16000NM001G' },
    { device: '/dev/nvme0n1', type: 'NVMe', name: 'SAMSUNG MZQL21T9HCJR' },
  ],
  mounts: [
    { fs: '/dev/sda1', mount: '/' },
    { fs: '/dev/nvme0n1p1', mount: '/var/lib/docker' },
  ],
  networkSpeed: 25_000,
}

describe('what a machine is made of', () => {
  it('is told of the disk on which the engine keeps containers', () => {
    assert.deepEqual(hardwareOf(SERVER, '/var/lib/docker'), {
      ...{ cpuModel: 'AMD EPYC 7B13', cpuCores: 64, cpuThreads: 128, cpuMhz: 3_500 },
      ...{ memoryType: 'DDR4', memoryMhz: 3_200, diskType: 'NVMe', diskModel: 'SAMSUNG MZQL21T9HCJR' },
      networkMbps: 25_000,
    })
    assert.equal(hardwareOf(SERVER, '/var/lib/docker2').diskType, 'HDD')
  })

  it('leaves out what a virtual machine does not know', () => {
    const cpu = {
      manufacturer: 'Intel',
      brand: 'Xeon®\u0007 Processor',
      speed: 0,
      speedMax: 0,
      cores: 2,
      physicalCores: 2,
    }
    const facts = {
      cpu,
      memory: [{ type: '', clockSpeed: 0 }],
      disks: [],
      mounts: [],
      networkSpeed: -1,
    }
    const hardware = hardwareOf(facts, '/var/lib/docker')
    assert.deepEqual(describeHardware(hardwareView(hardware)), ['Intel Xeon Processor, 2 cores, 2 threads'])
    assert.deepEqual([hardware.cpuMhz, hardware.networkMbps, hardware.diskModel], [0, 0, ''])
  })

  const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'
  const bridge = 'docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0'
  const half = 'tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0'
  const wireless = 'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0'
  const wired = 'eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0'
  for (const [what, rows, name] of [
    ['of two, the one that is preferred', [HEAD, bridge, wireless, wired], 'eth0'],
    ['the only one', [HEAD, half, wireless], 'wlan0'],
    ['none where nothing leads everywhere', [HEAD, bridge, half], null],
    ['none where there is no route', [HEAD], null],
    ['none where nothing is said', [], null],
  ] as const) {
    it(`is told of the way out: ${what}`, () => {
      assert.equal(wayOut(`${rows.join('\n')}\n`), name)
    })
  }

  it('is found on this machine', async () => {
    const hardware = await findHardware('/', silentLogger)
    assert.ok((hardware?.cpuThreads ?? 0) > 0)
  })
})
