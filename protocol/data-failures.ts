/** The rows of `failures.ts` about what jobs bring; what their words mean is said there. */
export const DATA_FAILURES = {
  default: {
    fault: 'place',
    cause: 'What the job brings did not come to the provider in time.',
    remedy: 'Submit the job again, and keep the gateway or the command that submitted it up until the job runs.',
  },
  'upload-gone': {
    fault: 'user',
    cause: 'An upload that the job brings is not there.',
    remedy: 'Upload it again: an upload is kept for a day after its last use.',
  },
  'output-gone': {
    fault: 'user',
    cause: 'What another job left, and this one brings, is not there.',
    remedy:
      'Name a job of yours that has ended and whose outputs are kept, and a path in them, or run that job again: outputs are kept for thirty days.',
  },
  'digest-mismatch': {
    fault: 'user',
    cause: 'What the job brings is not what its digest says.',
    remedy: 'Upload it again: what is kept of it is damaged.',
  },
  'unsafe-archive': {
    fault: 'user',
    cause: 'An archive that the job brings cannot be unpacked safely.',
    remedy:
      'Make the archive of files, folders and links, with names that stay inside of it: no devices, pipes or sparse files.',
  },
  'larger-than-storage': {
    fault: 'user',
    cause: 'What the job brings to write to is larger than its storage.',
    remedy: 'Raise storage, or leave out rw where the job only reads.',
  },
  'no-space': {
    fault: 'place',
    cause: 'The provider has no room for what the job brings.',
    remedy: 'Bring less, or choose a different provider.',
  },
} as const
