/** The rows of `failures.ts` about programs, and how they begin; what their words mean is said there. */
export const PROGRAM_FAILURES = {
  default: {
    fault: 'job',
    cause: 'The application ended with an error.',
    remedy: 'Check the application logs for details.',
  },
  'bus-error': {
    fault: 'job',
    cause: 'The application was ended by a bus error (SIGBUS).',
    remedy:
      'Mostly /dev/shm was full, which is half of memory where shmSize does not say: raise shmSize, and memory with it.',
    change: 'shmSize',
  },
  'command-not-found': {
    fault: 'user',
    cause: 'The image has no such program.',
    remedy: 'Check command: the image has no such program; a shell’s own words need ["sh", "-c", "…"].',
  },
  'bad-interpreter': {
    fault: 'user',
    cause: 'The program is there, but not what is to run it.',
    remedy:
      'Check the first line of the script (#!), which must end as on Unix and not with CRLF, and for a binary the libraries that it is linked to: the image does not have them.',
  },
  'not-executable': {
    fault: 'user',
    cause: 'The program may not be executed.',
    remedy: 'Make it executable in the image (chmod 0755), or run it by its interpreter: ["sh", "/script"].',
  },
  'is-a-folder': {
    fault: 'user',
    cause: 'The command is a folder.',
    remedy: 'Check command: it names a folder of the image, not a program.',
  },
  'wrong-architecture': {
    fault: 'user',
    cause: 'The program is not made for the provider’s processor, or is a script without a first line (#!).',
    remedy: 'Use a program built for the provider’s architecture; begin a script with #!/bin/sh.',
  },
  'no-command': {
    fault: 'user',
    cause: 'The image has no command of its own.',
    remedy: 'Set command: the image does not say what to run.',
  },
  'no-such-user': {
    fault: 'user',
    cause: 'The image has no such user or group.',
    remedy:
      'Check user: a name must stand in the image’s /etc/passwd, and a group in its /etc/group; a number needs neither.',
  },
  'bad-workdir': {
    fault: 'user',
    cause: 'The program could not begin in its working folder.',
    remedy:
      'Check workdir: name a folder of the image that user may enter, or a path where one can be made; without workdir the image’s own holds.',
  },
  'invalid-command': {
    fault: 'user',
    cause: 'The command could not be executed.',
    remedy: 'Check command: the image has no such program, or it cannot be executed.',
  },
} as const
