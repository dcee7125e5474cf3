import { FileError } from '../file-access.ts'
import type { EngineError } from '../index.ts'

/** What engines say of a tar that is not unpacked as it should be; what else they say may name places of their machine. */
const PROBLEMS: [RegExp, FileError['code'], string][] = [
  [/no space left on device|disk quota/i, 'NO_ROOM', 'The container has no room for it'],
  [/marked read-?only|read-only file system/i, 'BAD_PATH', 'The path is read-only'],
  [/device or resource busy/i, 'BAD_PATH', 'Something is mounted at the path, which cannot be replaced'],
  [
    /cannot overwrite|is a directory|not a directory|file exists/i,
    'BAD_PATH',
    'A folder and a file are in each other’s way',
  ],
  [/file name too long/i, 'BAD_PATH', 'A name is too long'],
]

/** Null where the job's owner can do nothing about it. */
export function unpackProblem(error: EngineError): FileError | null {
  const [, code, message] = PROBLEMS.find(([words]) => words.test(error.message)) ?? []
  return code === undefined ? null : new FileError(code, message ?? '', { cause: error })
}
