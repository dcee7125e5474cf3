/**
 * A program for amd64 of 227 bytes that makes one system call: `NUMBER ARGUMENT…`, an argument being a decimal number, or
 * else the address of its text. Ends with the error's number, 0 where there was none. For what busybox has no words for.
 *
 * In a container: `echo $SYSTEM_CALL | base64 -d >/call; chmod 755 /call; /call 39`.
 */
export function systemCallProgram(): string {
  const base = 0x400000n
  const head = Buffer.alloc(120)
  const size = BigInt(head.length + code.length)
  head.write('\x7fELF\x02\x01\x01', 'latin1')
  head.writeUInt16LE(2, 16) // A program,
  head.writeUInt16LE(62, 18) // for amd64,
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(base + BigInt(head.length), 24) // which begins after this,
  head.writeBigUInt64LE(64n, 32)
  head.writeUInt16LE(64, 52)
  head.writeUInt16LE(56, 54)
  head.writeUInt16LE(1, 56) // in one segment,
  head.writeUInt32LE(1, 64)
  head.writeUInt32LE(5, 68) // which may be read and run.
  for (const at of [80, 88]) head.writeBigUInt64LE(base, at)
  for (const at of [96, 104]) head.writeBigUInt64LE(size, at)
  head.writeBigUInt64LE(0x1000n, 112)
  return Buffer.concat([head, code]).toString('base64')
}

/** Why it cannot be run here; false where it can. */
export const systemCallProblem = process.arch === 'x64' ? false : 'the program that makes system calls is for amd64'

const code = Buffer.from(
  [
    '4c8b24244c8d6c24084883ec4031db', // r12: how many arguments; r13: where; room for seven numbers on the stack
    '31c0488d4b014c39e173', // for each of seven: 0 where it was left out
    '2a498b74cd000fb61683ea3083fa097717', // the text's address where it does not begin with a digit
    '486bc00a4801d048ffc60fb61683ea3083fa0976ebeb03', // else its digits
    '4889f0488904dcffc383fb0775c0',
    '585f5e5a415a415841590f05', // rax rdi rsi rdx r10 r8 r9, and the call
    '31ff4885c0790229c7b83c0000000f05', // exit with minus what it answered, where that is below 0
  ].join(''),
  'hex',
)
