/** Rows about what jobs bring. */

import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { SellerInit } from '../../../integration/support/market.ts'
import { addPair, type Stage, type Ways } from './stage.ts'

/** Sellers that wait for no byte for long. */
export const HASTY: SellerInit = { agent: { inputStallMs: 500 } }

/** Gives the bytes; answers their digest. */
async function give({ node, owner }: Stage, bytes: Buffer, folder = false): Promise<string> {
  const { id } = await node.uploads.begin({ owner, folder, name: '', length: bytes.length })
  const { sha256 } = await node.uploads.append({ owner, id, offset: 0 }, Readable.from([bytes]), true)
  return `sha256:${sha256}`
}

/** Where it is kept of what was given under the digest. */
async function fileOf({ market }: Stage, digest: string): Promise<string> {
  const wanted = `${digest.slice('sha256:'.length)}.blob`
  const all = await readdir(market.folder, { recursive: true, withFileTypes: true })
  const found = all.find(({ name }) => name === wanted)
  if (found === undefined) throw new Error(`${wanted} is nowhere`)
  return join(found.parentPath, found.name)
}

const at = (upload: string, mode: 'ro' | 'rw' = 'ro') => ({ inputs: [{ path: '/in', from: { upload }, mode }] })

export const inputWays: Ways = {
  DATA_ERROR: {
    how: 'a requester whose disk has lost what it was given',
    async bring(stage) {
      const upload = await give(stage, Buffer.from('lost'))
      await rm(await fileOf(stage, upload))
      return await stage.run('true', at(upload))
    },
  },
  'DATA_ERROR upload-gone': {
    how: 'a digest of nothing that was given',
    bring: async (stage) => await stage.run('true', at(`sha256:${'0'.repeat(64)}`)),
  },
  'DATA_ERROR output-gone': {
    how: 'an output of a job that keeps none',
    async bring(stage) {
      const { id } = await stage.run('true')
      return await stage.run('true', { inputs: [{ path: '/in', from: { job: id } }] })
    },
  },
  'DATA_ERROR digest-mismatch': {
    how: 'a requester on whose disk it was changed',
    async bring(stage) {
      const upload = await give(stage, Buffer.from('right'))
      await writeFile(await fileOf(stage, upload), 'wrong')
      return await stage.run('true', at(upload))
    },
  },
  'DATA_ERROR unsafe-archive': {
    how: 'a folder that is no tar',
    bring: async (stage) => await stage.run('true', at(await give(stage, Buffer.alloc(2_048, 'x'), true))),
  },
  'DATA_ERROR larger-than-storage': {
    how: 'a copy that is larger than the storage',
    bring: async (stage) =>
      await stage.run('true', { ...at(await give(stage, Buffer.alloc(2 ** 21)), 'rw'), storage: '1Mi' }),
  },
  'DATA_ERROR no-space': {
    how: 'sellers without room for anything',
    async bring(stage) {
      const pair = await addPair(stage.market, 'without room', () => ({ agent: { cacheRoomBytes: 0 } }))
      return await (await stage.at(pair)).run('true', at(await give(stage, Buffer.from('small'))))
    },
  },
}
