import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

/** A network of its own, and the kernel's view of it. */
const OWN_NETWORK = ['--map-root-user', '--net', '--mount', 'sh', '-c']

/** A way out, and two bridges of containers, of which one has a container on it. */
const MACHINE = [
  'mount -t sysfs none /sys',
  'ip link set lo up',
  'ip link add out0 type veth peer name out1 && ip addr add 192.0.2.2/24 dev out0 && ip link set out0 up && ip link set out1 up',
  'ip link add docker0 type bridge && ip addr add 172.17.0.1/16 dev docker0 && ip link set docker0 up',
  'ip link add jobs0 type bridge && ip addr add 10.200.0.1/24 dev jobs0 && ip link set jobs0 up',
  'ip link add near type veth peer name far && ip link set near master jobs0 && ip link set near up && ip link set far up',
].join(' && ')

const possible = spawnSync('unshare', [...OWN_NETWORK, MACHINE]).status === 0

async function told(listen: string[], before = 'true'): Promise<unknown> {
  const peer = new URL('./support/told-addresses.ts', import.meta.url).pathname
  const command = `${MACHINE} && ${before} && exec "${process.execPath}" "${peer}" ${listen.join(' ')}`
  const { stdout } = await promisify(execFile)('unshare', [...OWN_NETWORK, command])
  return JSON.parse(stdout)
}

describe('entry 35: what a peer tells others of its addresses', {
  skip: possible ? false : 'needs unshare, ip and bridges, and the right to make a network namespace',
}, () => {
  it('leaves out bridges of containers', async () => {
    assert.deepEqual(await told(['/ip4/0.0.0.0/tcp/0']), ['127.0.0.1', '192.0.2.2'])
  })

  it('names a bridge that is the way out', async () => {
    const found = await told(['/ip4/0.0.0.0/tcp/0'], 'ip route add default via 10.200.0.2')
    assert.deepEqual(found, ['10.200.0.1', '127.0.0.1', '192.0.2.2'])
  })

  it('names a bridge that the owner listens on by its number', async () => {
    assert.deepEqual(await told(['/ip4/172.17.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0']), ['127.0.0.1', '172.17.0.1'])
  })
})
