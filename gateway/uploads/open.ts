import type { Clock } from '../../node/clock.ts'
import type { Uploads } from '../../node/uploads/index.ts'
import type { Revocation } from '../auth/index.ts'
import type { Feature } from '../http/feature.ts'
import { createReceiver } from './receive.ts'
import { addUploadRoutes } from './routes.ts'

const UPLOAD_PATH = /\/plugin-core\/uploads(?:\/[^/]+)?$/

/** Files and folders that are given for jobs to bring. */
export function openUploads({
  uploads,
  revocation,
  clock,
}: {
  uploads: Uploads
  revocation: Pick<Revocation, 'watch'>
  clock: Clock
}): Feature {
  const receiver = createReceiver({ revocation, clock })
  return {
    routes: (api) => addUploadRoutes(api, { uploads, receive: receiver.receive }),
    // As it arrives: it goes on the disk.
    readsBody: ({ method, path }) => (method === 'POST' || method === 'PATCH') && UPLOAD_PATH.test(path),
    letGo: receiver.letGo,
  }
}
