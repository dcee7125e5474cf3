/** What jobs bring and are given: archives that lead out, uploads that lie, other owners' files, paths that climb. */

import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { type Header, pack } from 'tar-stream'
import type { Answer } from '../../faults/support/network-api.ts'
import type { AttackTarget, HostileInput, Tenant } from '../support/inputs.ts'

type Entry = Partial<Header> & { name: string }

const DIGEST = `sha256:${'5e884898da280471'.repeat(4)}`

/** Of its own each time: what was refused once is not sent again. */
async function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack()
  tar.entry({ name: 'fine' }, String(Math.random()))
  for (const entry of entries) tar.entry(entry as Header, entry.type === undefined ? 'x' : '')
  tar.finalize()
  return await buffer(tar)
}

/** A file or folder that was given, as the API answers. */
async function send(
  { url }: Pick<AttackTarget, 'url'>,
  { key }: Tenant,
  method: string,
  path: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
): Promise<Pick<Answer, 'status' | 'data' | 'code'>> {
  const response = await fetch(`${url}/api/plugin-core${path}`, {
    ...{ method, body: typeof body === 'string' ? body : new Uint8Array(body) },
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/octet-stream', ...headers },
  })
  const { data, error } = (await response.json()) as { data: unknown; error?: { code: string } }
  return { status: response.status, data, code: error?.code }
}

function bringing({ image }: AttackTarget, upload: string): object {
  return {
    ...{ image, command: ['true'], inputs: [{ path: '/in', from: { upload } }] },
    ...{ network: 'none', memory: '32Mi', storage: '32Mi', duration: 60, maxAttempts: 2 },
  }
}

const link = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname })
const archives: [what: string, bytes: () => Promise<Buffer>][] = [
  ['whose name climbs', async () => await tarOf([{ name: 'a' }, { name: '../../etc/cron.d/x' }])],
  ['with an absolute name', async () => await tarOf([{ name: '/etc/cron.d/x' }])],
  ['with a file behind a link', async () => await tarOf([link('a', '/etc'), { name: 'a/passwd' }])],
  ['with a file behind two links', async () => await tarOf([link('a', 'b'), link('b', '/etc'), { name: 'a/passwd' }])],
  ['with a hard link out', async () => await tarOf([{ name: 'a', type: 'link', linkname: '/etc/shadow' }])],
  [
    'with the disk as a device',
    async () => await tarOf([{ name: 'a', type: 'block-device', devmajor: 8, devminor: 0 }]),
  ],
  ['with a pipe', async () => await tarOf([{ name: 'a', type: 'fifo' }])],
  ['that ends in the middle', async () => (await tarOf([{ name: 'a' }])).subarray(0, 1300)],
  ['that is none', async () => Buffer.alloc(100_000, `no tar ${Math.random()}`)],
  [
    'with names of 3 MB',
    async () => await tarOf(Array.from({ length: 8 }, (_, i) => ({ name: `${i}${'n'.repeat(3_000_000)}` }))),
  ],
  ['with a header of 20 MB', async () => await tarOf([{ name: 'a', pax: { comment: 'x'.repeat(20_000_000) } }])],
]

const unsafe: HostileInput[] = archives.map(([what, bytes]) => ({
  name: `entry 29: a job that brings an archive ${what}`,
  async attempt(target) {
    const { status, data } = await send(target, target.alice, 'POST', '/uploads?type=folder', await bytes())
    assert.equal(status, 201)
    const { api } = target.alice
    const { status: end, error } = await api.ended(await api.submit(bringing(target, data.digest)))
    assert.deepEqual([end, error?.code, error?.details.reason], ['failed', 'DATA_ERROR', 'unsafe-archive'])
    await target.alice.api.call('DELETE', `/uploads/${data.id}`)
  },
}))

const lies: [what: string, headers: Record<string, string>][] = [
  ['of less than nothing', { 'Upload-Length': '-1' }],
  ['of no number', { 'Upload-Length': '1e9' }],
  ['of more than is sent', { 'Upload-Length': '999' }],
  ['of less than is sent', { 'Upload-Length': '1' }],
  ['of a petabyte', { 'Upload-Length': '999999999999999', 'Upload-Complete': '?0' }],
  ['that is neither whole nor a part', { 'Upload-Complete': 'yes' }],
]

const lying: HostileInput[] = lies.map(([what, headers]) => ({
  name: `an upload ${what}`,
  async attempt(target) {
    const { status } = await send(target, target.alice, 'POST', '/uploads', 'four', headers)
    assert.ok([400, 409, 413, 429].includes(status), `answered ${status}`)
  },
}))

const foreign: HostileInput[] = [
  {
    name: "another owner's upload, by its id and by its digest",
    async attempt(target) {
      const { data } = await send(target, target.alice, 'POST', '/uploads', `alice's ${Math.random()}`)
      for (const id of [data.id, data.digest]) {
        const asked = [['GET'], ['DELETE']].map(
          async ([method = '']) => await target.bob.api.call(method, `/uploads/${id}`),
        )
        const added = send(target, target.bob, 'PATCH', `/uploads/${id}`, 'more', { 'Upload-Offset': '0' })
        for (const { status } of await Promise.all([...asked, added])) assert.equal(status, 404)
      }
      const told = async (upload: string): Promise<string> => {
        const job = bringing(target, upload)
        const { status, code, message = '' } = await target.bob.api.call('POST', '/jobs', job)
        assert.deepEqual([status, code], [400, 'VALIDATION_ERROR'])
        return message
      }
      assert.equal(await told(data.digest), await told(DIGEST))
      await target.alice.api.call('DELETE', `/uploads/${data.id}`)
    },
  },
  {
    name: 'an upload that goes on where it is not, twice at once',
    async attempt(target) {
      const part = { 'Upload-Complete': '?0' }
      const { data } = await send(target, target.alice, 'POST', '/uploads', 'four', part)
      const at = async (offset: string) =>
        await send(target, target.alice, 'PATCH', `/uploads/${data.id}`, 'more', { ...part, 'Upload-Offset': offset })
      for (const offset of ['0', '3', '5', '999999999999999']) assert.equal((await at(offset)).status, 409, offset)
      for (const offset of ['-1', '', '4.0', 'x']) assert.equal((await at(offset)).status, 400, offset)
      const both = await Promise.all([at('4'), at('4')])
      assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 409])
      assert.equal((await target.alice.api.call('GET', `/uploads/${data.id}`)).data.offset, 8)
      await target.alice.api.call('DELETE', `/uploads/${data.id}`)
    },
  },
]

/** Asked of `…/files?path=`; the answer to reading, writing and removing. */
const paths = ['', 'etc/passwd', '..', '/a\0b', `/${'a'.repeat(5_000)}`]

const files: HostileInput[] = [
  {
    name: 'files of a running container at paths that are none',
    async attempt(target) {
      await running(target, async (id) => {
        for (const path of paths) {
          const at = `/jobs/${id}/files?path=${encodeURIComponent(path)}`
          for (const method of ['GET', 'DELETE']) {
            const { status } = await target.alice.api.call(method, at)
            assert.equal(status, 400, `${method} ${JSON.stringify(path.slice(0, 20))}`)
          }
          assert.equal((await send(target, target.alice, 'PUT', at, 'x')).status, 400, path.slice(0, 20))
        }
      })
    },
  },
  {
    name: "files of another owner's running container",
    async attempt(target) {
      await running(target, async (id) => {
        const at = `/jobs/${id}/files?path=/etc/passwd`
        for (const tenant of [target.bob, target.reader]) {
          for (const method of ['GET', 'DELETE']) {
            assert.ok([403, 404].includes((await tenant.api.call(method, at)).status), method)
          }
          assert.ok([403, 404].includes((await send(target, tenant, 'PUT', at, 'x')).status))
        }
      })
    },
  },
  {
    name: 'entry 29: archives that lead out, put into a running container',
    async attempt(target) {
      await running(target, async (id) => {
        const at = `/jobs/${id}/files?path=/tmp`
        for (const [what, bytes] of archives) {
          const { status } = await send(target, target.alice, 'PUT', at, await bytes(), {
            'Content-Type': 'application/x-tar',
          })
          assert.ok(status === 200 || (status >= 400 && status < 500), `${what}: ${status}`)
        }
        const passwd = await fetch(`${target.url}/api/plugin-core/jobs/${id}/files?path=/etc/passwd`, {
          headers: { Authorization: `Bearer ${target.alice.key}` },
        })
        assert.notEqual(await passwd.text(), 'x')
        const { status } = await target.alice.api.call('GET', `/jobs/${id}/files?path=/etc/cron.d/x`)
        assert.equal(status, 404)
      })
    },
  },
]

/** A container of alice's, for as long as it takes. */
async function running({ alice, image }: AttackTarget, use: (id: string) => Promise<void>): Promise<void> {
  const id = await alice.api.submit({
    ...{ image, command: ['sh', '-c', 'mkdir -p /etc /tmp; echo mine > /etc/passwd; sleep 300'] },
    ...{ network: 'none', memory: '32Mi', storage: '64Mi', duration: 300, stopGraceSeconds: 0 },
  })
  try {
    await alice.api.job(id, ({ status }) => status === 'running')
    await use(id)
  } finally {
    await alice.api.call('POST', `/jobs/${id}/cancel`)
    await alice.api.ended(id)
  }
}

export const inputs: HostileInput[] = [...unsafe, ...lying, ...foreign, ...files]
