import { spawn } from 'node:child_process';

/** Tells systemd about this service by its own `systemd-notify`: Node has no datagram sockets of the file system. */

/** What is told, in sd_notify(3)'s words. */
export type SystemdState = 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1';

/**
 * Sends one state to `notifySocket`. Never throws and never waits. The unit needs `NotifyAccess=all`, because the
 * sender is a child of the service.
 */
export function notifySystemd(notifySocket: string, state: SystemdState, path: string): void {
  const child = spawn('systemd-notify', [state], {
    env: { NOTIFY_SOCKET: notifySocket, PATH: path },
    stdio: 'ignore',
  });
  // Without the program there is nothing to tell: systemd's own timeouts then say so in its journal.
  child.on('error', () => {});
}
