/**
 * Why a provider kept nothing of what a job left: what the job's owner is told, in which `PATHS` and `BYTES` stand for those, and
 * who can mend it how. The job itself has ended as it ended. `docs/failures.md` is made from it.
 */
export const OUTPUT_PROBLEMS = {
  'nothing-there': {
    message: 'The container left nothing at PATHS',
    fault: 'job',
    remedy: 'Check the paths in outputs, and that the program writes there before it ends.',
  },
  'larger-than-storage': {
    message: 'The outputs are larger than the BYTES that are kept',
    fault: 'user',
    remedy: 'Raise storage: a sparse file counts with all that it pretends to hold.',
  },
  'share-full': {
    message: 'The provider keeps no more outputs of one requester, a share that its owner sets with --max-client-share',
    fault: 'user',
    remedy:
      'Keep the gateway up until what earlier jobs left has come, send large outputs elsewhere (to), or choose a different provider.',
  },
  'room-full': {
    message: 'The provider has no room for the outputs, which its owner gives with --output-room',
    fault: 'place',
    remedy: 'Submit the job again at a different provider, or send its outputs elsewhere (to).',
  },
  cancelled: {
    message: 'The job was cancelled while they were read',
    fault: 'user',
    remedy: 'Cancel after the end: what was read by then is kept.',
  },
  'not-in-time': {
    message: 'The provider did not read the outputs in time',
    fault: 'place',
    remedy:
      'Submit the job again, at a different provider or with more storage: reading may take longer where there is more.',
  },
  unreadable: {
    message: 'The provider could not read the outputs',
    fault: 'place',
    remedy: 'Submit the job again, at a different provider where it happens twice.',
  },
} as const
