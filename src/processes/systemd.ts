import { spawn } from 'node:child_process';

/** Tells systemd about this service by its own `systemd-notify`: Node has no datagram sockets of the file system. */

/** What is told, in sd_notify(3)'s words. */
export type SystemdState = 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1';

/**
 * Sends one state to `notifySocket`. Never throws and never waits. The unit needs `NotifyAccess=all`, because the
 * sender is a child of the service.
 */
export function notifySystemd(notifySocket: string, state: SystemdState, path: string): void {
  // Where it cannot be told, systemd's own timeouts say so in its journal.
  try {
    const child = spawn('systemd-notify', [state], {
      env: { NOTIFY_SOCKET: notifySocket, PATH: path },
      stdio: 'ignore',
    });
    child.on('error', () => {});
  } catch {
    // Node throws what it does not foresee, such as a machine without memory for one more process.
  }
}
