import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a local server that can be cut: its connections end, and new ones are refused until it is mended. */
export interface Cuttable {
  url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function cuttable(t: { after(undo: () => unknown): void }, url: string): Promise<Cuttable> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  const listen = (at: number) => once(server.listen(at, '127.0.0.1'), 'listening');
  const cut = async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen(0);
  const { port: own } = server.address() as AddressInfo;
  t.after(() => (server.listening ? cut() : undefined));
  return {
    ...{ url: `http://127.0.0.1:${own}`, cut },
    async mend() {
      await listen(own);
    },
  };
}
