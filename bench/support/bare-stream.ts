/**
 * One libp2p stream and nothing else, made of what every peer here is made of, as a process of its own.
 * `receive`: prints where it listens, reads each stream to its end and closes it then. `send ADDRESS BYTES`: sends so much in
 * messages of 64 KiB, prints how many seconds it took until the other side had read all of it, and ends.
 */

import { once } from 'node:events'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const PROTOCOL = '/cortex-bench/stream/1.0.0'
const MESSAGE_BYTES = 64 * 1024

const [mode = '', address = '', bytes = ''] = process.argv.slice(2)
const host = await createLibp2p({
  addresses: { listen: mode === 'receive' ? ['/ip4/127.0.0.1/tcp/0'] : [] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
})

if (mode === 'receive') {
  await host.handle(PROTOCOL, async (stream) => {
    for await (const _ of stream);
    await stream.close()
  })
  process.stdout.write(`${host.getMultiaddrs()[0]}\n`)
  process.once('disconnect', () => process.exit())
} else {
  const stream = await host.dialProtocol(multiaddr(address), PROTOCOL)
  const read = once(stream, 'remoteCloseWrite')
  const begun = performance.now()
  for (let left = Number(bytes); left > 0; left -= MESSAGE_BYTES) {
    const message = Buffer.alloc(Math.min(left, MESSAGE_BYTES))
    if (!stream.send(message)) await once(stream, 'drain')
  }
  await stream.close()
  await read
  process.stdout.write(`${(performance.now() - begun) / 1000}\n`)
  await host.stop()
  process.exit()
}
