import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runsInit, toImageConfig } from '../../../../provider-agent/engine/container/image-config.ts'

const second = 1_000_000_000
const checked = (Healthcheck: object | null) => toImageConfig({ Config: { Healthcheck } }).healthcheck

describe('entry 44: an image’s own health check', () => {
  const kept: [what: string, image: object, check: object][] = [
    [
      'as it is',
      { Test: ['CMD', 'true'], Interval: 10 * second, Timeout: 2 * second, StartPeriod: 60 * second, Retries: 5 },
      { Interval: 10 * second, Timeout: 2 * second, StartPeriod: 60 * second, Retries: 5 },
    ],
    [
      'with the engine’s defaults',
      { Test: ['CMD-SHELL', 'true'] },
      { Interval: 30 * second, Timeout: 30 * second, Retries: 3 },
    ],
    [
      'no more often than each 5 s',
      { Test: ['CMD', 'true'], Interval: 1_000_000 },
      { Interval: 5 * second, StartInterval: 5 * second },
    ],
    [
      'nor at its start',
      { Test: ['CMD', 'true'], StartInterval: 1, Interval: 7 * second },
      { StartInterval: 7 * second },
    ],
    ['no longer than a minute', { Test: ['CMD', 'true'], Timeout: 3_600 * second }, { Timeout: 60 * second }],
    [
      'nothing is negative',
      { Test: ['CMD', 'true'], Interval: -1, Timeout: -1, StartPeriod: -1, Retries: -1 },
      { StartPeriod: 1_000_000, Retries: 3 },
    ],
  ]
  for (const [what, image, check] of kept) {
    it(`is kept: ${what}`, () => assert.deepEqual({ ...checked(image), ...check }, checked(image)))
  }

  for (const none of [null, {}, { Test: [] }, { Test: ['NONE'] }, { Test: ['rm'] }]) {
    it(`is none: ${JSON.stringify(none)}`, () => assert.equal(checked(none), null))
  }

  it('an image without a configuration has nothing', () => {
    assert.deepEqual(toImageConfig({}), { sizeBytes: 0, entrypoint: [], command: [], healthcheck: null })
  })
})

describe('entry 44: an image whose program is an init gets no other before it', () => {
  const cases: [
    isInit: boolean,
    image: { Entrypoint?: string[] | string; Cmd?: string[] },
    job: { command?: string[]; args?: string[] },
  ][] = [
    [true, { Entrypoint: ['/init'] }, {}],
    [true, { Entrypoint: ['/sbin/tini', '--', 'app'], Cmd: ['run'] }, {}],
    [true, { Entrypoint: ['/usr/bin/dumb-init', '--'] }, { args: ['app'] }],
    [true, { Cmd: ['/lib/systemd/systemd'] }, {}],
    [true, { Cmd: ['/sbin/my_init'] }, {}],
    [true, { Entrypoint: '/bin/s6-svscan' }, {}],
    [true, { Entrypoint: ['/docker-entrypoint.sh'] }, { command: ['/sbin/init'] }],
    [false, { Entrypoint: ['/init'] }, { command: ['sh'] }],
    [false, { Cmd: ['/sbin/init'] }, { args: ['sh'] }],
    [false, { Entrypoint: ['/docker-entrypoint.sh'], Cmd: ['init'] }, {}],
    [false, { Entrypoint: ['/init.sh'] }, {}],
    [false, { Entrypoint: ['/init/app'] }, {}],
    [false, {}, {}],
  ]
  for (const [isInit, Config, { command = [], args = [] }] of cases) {
    it(`${JSON.stringify(Config)} with ${JSON.stringify({ command, args })}: ${isInit}`, () => {
      assert.equal(runsInit({ command, args }, toImageConfig({ Config })), isInit)
    })
  }
})
