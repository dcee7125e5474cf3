import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { it } from 'node:test'
import { promisify } from 'node:util'

/** A network of its own, so that nothing is asked on the LAN of whoever runs this. */
const OWN_NETWORK = ['--map-root-user', '--net', 'sh', '-c']
const LAN = 'ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo'

const possible = spawnSync('unshare', [...OWN_NETWORK, LAN]).status === 0

it('peers on a LAN find those of their own network', {
  skip: possible ? false : 'needs unshare and ip, and the right to make a network namespace',
}, async () => {
  const peers = new URL('./support/mdns-peers.ts', import.meta.url).pathname
  const command = `${LAN} && exec "${process.execPath}" "${peers}"`
  const { stdout } = await promisify(execFile)('unshare', [...OWN_NETWORK, command])
  assert.deepEqual(JSON.parse(stdout), [1, 0, 1])
})
