import type { ClientNode } from '../../node/index.ts'
import type { VolumeRecord } from '../../node/store/index.ts'
import { success } from '../contract/envelope.ts'
import { fileLookSchema, volumeContentQuery, writeVolumeQuery, writtenFilesSchema } from '../contract/files.ts'
import type { GatewayContext } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { REACH_ERRORS } from '../http/reach-error.ts'
import {
  BYTES,
  createFileTransfer,
  FILE_BODY,
  type FileTransferComponents,
  FOLDER_EXAMPLE,
  TAR,
  viewOf,
  wantsTar,
} from '../reach/index.ts'
import { volumeParams } from './params.ts'
import { throwInWords } from './volume-errors.ts'

const path = '/plugin-core/volumes/{id}/content'
const errors = REACH_ERRORS.filter((code) => code !== 'JOB_NOT_FOUND' && code !== 'JOB_STATE_CONFLICT')

const readOperation = operation({
  method: 'get',
  path,
  operationId: 'readVolume',
  tag: 'Volumes',
  summary: 'What is in a volume',
  description:
    'From its provider, whether a job has the volume or not, and as it is at that moment. Of a file its bytes, with `Range`; of a folder a tar, whose entries begin with the last part of the path (`volume` of all of it) and are as the volume has them: look before you unpack it. With `as=json` what a folder holds, by name and in pages. `HEAD` says in `X-File-Type`, `X-File-Mode`, `Content-Length` and `Last-Modified` what it is. It is a use of the volume: its `keep` is counted anew.',
  permission: 'jobs:write',
  request: { params: volumeParams, query: volumeContentQuery },
  data: fileLookSchema,
  files: [BYTES, TAR],
  example: FOLDER_EXAMPLE,
  errors: [...errors, 'RANGE_NOT_SATISFIABLE'],
})

const writeOperation = operation({
  method: 'put',
  path,
  operationId: 'writeVolume',
  tag: 'Volumes',
  summary: 'Put files into a volume',
  description:
    'Writes the body as a file; with `Content-Type: application/x-tar` it is unpacked in the folder at the path. Folders that are missing are made; what is new belongs to whom the folder belongs that it is in. Nothing is written before all of it has come, nor what the volume has no room for (`PAYLOAD_TOO_LARGE`); files that are written over count until then. It is a use of the volume: its `keep` is counted anew.',
  permission: 'jobs:write',
  request: {
    params: volumeParams,
    query: writeVolumeQuery,
    body: FILE_BODY,
  },
  takesFile: true,
  data: writtenFilesSchema,
  example: { path: '/data/model.bin', files: 1, bytes: 1024, leftOut: [] },
  errors,
})

/** What the routes of a volume's content work with. */
export interface ContentComponents extends Pick<FileTransferComponents, 'revocation' | 'shares'> {
  node: Pick<ClientNode, 'volumes'>
  /** @throws where whoever asks does not see it */
  visible: (c: GatewayContext, id: string) => VolumeRecord
}

/** `GET, PUT …/volumes/{id}/content?path=` */
export function addContentRoutes(api: Api, { node, visible, revocation, shares }: ContentComponents): void {
  const { files } = node.volumes
  const transfer = createFileTransfer({ files, revocation, shares, inWords: throwInWords })

  api.openapi(readOperation, async (c) => {
    const { path: from, as, max, cursor } = c.req.valid('query')
    const { id } = visible(c, c.req.valid('param').id)
    if (c.req.method === 'HEAD') return await transfer.head(c, id, from, wantsTar(c, as))
    if (wantsTar(c, as)) return await transfer.sendTar(c, id, from)
    const look = await transfer.look(c, id, from, { limit: as === 'json' ? max : 0, cursor })
    if (as === 'json') return c.json(success(viewOf(from, look)), 200)
    if (look.file.type !== 'file') return await transfer.sendTar(c, id, from)
    return await transfer.sendFile(c, id, from, look.file.size)
  })

  api.openapi(writeOperation, async (c) => {
    const { path: to, mode } = c.req.valid('query')
    const { id } = visible(c, c.req.valid('param').id)
    return c.json(success({ path: to, ...(await transfer.receive(c, id, to, mode)) }), 200)
  })
}
