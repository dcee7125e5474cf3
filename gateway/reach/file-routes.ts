import { ReachError } from '../../node/reach/index.ts'
import { JobStateError } from '../../node/store/index.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { success } from '../contract/envelope.ts'
import {
  fileLookSchema,
  filesQuery,
  removedFileSchema,
  removeFilesQuery,
  writeFilesQuery,
  writtenFilesSchema,
} from '../contract/files.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { REACH_ERRORS } from '../http/reach-error.ts'
import { jobParams, visibleJob } from '../jobs/index.ts'
import { BYTES, createFileTransfer, FILE_BODY, FOLDER_EXAMPLE, TAR, viewOf, wantsTar } from './file-transfer.ts'
import type { TunnelComponents } from './tunnel-route.ts'

const path = '/plugin-core/jobs/{id}/files'

const readOperation = operation({
  method: 'get',
  path,
  operationId: 'readJobFiles',
  tag: 'Jobs',
  summary: 'Files of the running container',
  description:
    'Of a file its bytes, with `Range`; of a folder what it holds, as JSON, by name and in pages; as a tar either, whose entries begin with the last part of the path and are as the container has them: look before you unpack it. `HEAD` says in `X-File-Type`, `X-File-Mode`, `Content-Length` and `Last-Modified` what it is. At most as much as the job’s storage is handed over.',
  permission: 'jobs:write',
  request: { params: jobParams, query: filesQuery },
  data: fileLookSchema,
  files: [BYTES, TAR],
  example: FOLDER_EXAMPLE,
  errors: [...REACH_ERRORS, 'RANGE_NOT_SATISFIABLE'],
})

const writeOperation = operation({
  method: 'put',
  path,
  operationId: 'writeJobFiles',
  tag: 'Jobs',
  summary: 'Put files into the running container',
  description:
    'Writes the body as a file; with `Content-Type: application/x-tar` it is unpacked in the folder at the path. Folders that are missing are made; what is new belongs to whom the job runs as. Nothing is written before all of it has come.',
  permission: 'jobs:write',
  request: {
    params: jobParams,
    query: writeFilesQuery,
    body: FILE_BODY,
  },
  takesFile: true,
  data: writtenFilesSchema,
  example: { path: '/data/model.bin', files: 1, bytes: 1024, leftOut: [] },
  errors: REACH_ERRORS,
})

const removeOperation = operation({
  method: 'delete',
  path,
  operationId: 'removeJobFiles',
  tag: 'Jobs',
  summary: 'Remove a file or folder of the running container',
  description: 'Of a link itself, not where it leads.',
  permission: 'jobs:write',
  request: { params: jobParams, query: removeFilesQuery },
  data: removedFileSchema,
  example: { path: '/data/model.bin' },
  errors: REACH_ERRORS,
})

/** `GET, PUT, DELETE …/jobs/{id}/files?path=` */
export function addFileRoutes(api: Api, { node, revocation, shares }: TunnelComponents): void {
  const { files } = node.reach
  const transfer = createFileTransfer({ files, revocation, shares, inWords })

  api.openapi(readOperation, async (c) => {
    const { path: from, as, max, cursor } = c.req.valid('query')
    const { id } = await visibleJob(c, node.store, c.req.valid('param').id)
    if (c.req.method === 'HEAD') return await transfer.head(c, id, from, wantsTar(c, as))
    if (wantsTar(c, as)) return await transfer.sendTar(c, id, from)
    const look = await transfer.look(c, id, from, { limit: max, cursor })
    if (as === 'json' || look.file.type === 'folder') return c.json(success(viewOf(from, look)), 200)
    return await transfer.sendFile(c, id, from, look.file.size)
  })

  api.openapi(writeOperation, async (c) => {
    const { path: to, mode } = c.req.valid('query')
    const { id } = await visibleJob(c, node.store, c.req.valid('param').id)
    return c.json(success({ path: to, ...(await transfer.receive(c, id, to, mode)) }), 200)
  })

  api.openapi(removeOperation, async (c) => {
    const { path: at, recursive } = c.req.valid('query')
    const { id } = await visibleJob(c, node.store, c.req.valid('param').id)
    await transfer.held(c, async (signal) => await files.remove(id, at, { recursive: recursive === true }, signal))
    return c.json(success({ path: at }), 200)
  })
}

/** What to do instead is said where the container is no more, or not yet. */
function inWords(error: unknown): never {
  const status = error instanceof JobStateError ? error.details.status : null
  const ended = status === null ? error instanceof ReachError && error.code === 'NOT_RUNNING' : isTerminal(status)
  if (!ended && status === null) throw error
  const message = ended
    ? 'The container has ended, and its files went with it: name what is to stay as `outputs` when submitting; what a job kept is at …/output'
    : 'The container does not run yet: its files can be reached once the job is running'
  throw new GatewayError('JOB_STATE_CONFLICT', message, {
    cause: error,
    ...(status === null ? {} : { details: { status } }),
  })
}
