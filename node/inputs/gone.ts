import { type Failure, failure } from '../../protocol/failures.ts'

/** Something that was given beforehand is not there any more. @param path its place in the job */
export function uploadGone(upload: string, path: string): Failure {
  return failure('DATA_ERROR', `There is no upload ${upload} (${path}).`, { reason: 'upload-gone', path, upload })
}

/** What another job left is not there. @param why to be read behind the job's id @param path its place in the job */
export function outputGone(why: string, path: string, job: string): Failure {
  return failure('DATA_ERROR', `${job} ${why} (${path}).`, { reason: 'output-gone', path, job })
}
