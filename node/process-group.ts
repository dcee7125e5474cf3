/** Ends a process that was started `detached`, and all that it started, at once. @param pid undefined where it could not be started */
export function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}
