import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { missingPlatformPackages } from '../../scripts/lockfile.ts'

describe('missingPlatformPackages', () => {
  const parent = (optionalDependencies: Record<string, string>) => ({
    'node_modules/tool': { version: '1.2.3', dev: true, optionalDependencies },
  })

  const cases = [
    { name: '@tool/cli-darwin-arm64', os: ['darwin'], cpu: ['arm64'] },
    { name: '@tool/cli-linux-x64-musl', os: ['linux'], cpu: ['x64'] },
    { name: '@tool/linux-aarch64', os: ['linux'], cpu: ['arm64'] },
    { name: '@tool/binding-linux-arm-gnueabihf', os: ['linux'], cpu: ['arm'] },
    { name: 'tool-win32-ia32-msvc', os: ['win32'], cpu: ['ia32'] },
  ]
  for (const { name, os, cpu } of cases) {
    test(`adds ${name} with its platform`, () => {
      assert.deepEqual(missingPlatformPackages(parent({ [name]: '1.2.3' })), {
        [`node_modules/${name}`]: { version: '1.2.3', os, cpu, dev: true, optional: true },
      })
    })
  }

  test('leaves alone what is there, what is no platform package and what names no exact version', () => {
    const packages = {
      ...parent({
        '@tool/linux-x64': '1.2.3',
        '@tool/darwin-x64': '1.2.3',
        fsevents: '1.0.0',
        '@tool/win32-x64': '^1.0.0',
      }),
      'node_modules/@tool/linux-x64': { version: '1.2.3' },
      'node_modules/tool/node_modules/@tool/darwin-x64': { version: '1.2.3' },
    }
    assert.deepEqual(missingPlatformPackages(packages), {})
  })

  test('marks a package that the published program needs as no development one', () => {
    const packages = { 'node_modules/tool': { version: '1.2.3', optionalDependencies: { '@tool/linux-x64': '1.2.3' } } }
    assert.equal(missingPlatformPackages(packages)['node_modules/@tool/linux-x64']?.dev, undefined)
  })
})
