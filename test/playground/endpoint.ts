import { createServer, type Server, type Socket } from 'node:net';

/** A bot's webhook endpoint on a bare socket, so that answers can be wrong in every way HTTP can be. */
export interface Endpoint extends AsyncDisposable {
  url: string;
  /** Every request so far. */
  requests: WebhookRequest[];
  /** Resolves with the nth request (from 1) as soon as it is there. */
  request(nth: number): Promise<WebhookRequest>;
}

export interface WebhookRequest {
  /** Request line and header lines as they came. */
  head: string[];
  json: Payload;
  socket: Socket;
}

export interface Payload {
  user: { id: number; name: string };
  room: { id: number; name: string | null; path: string };
  message: { id: number; body: { html: string | null; plain: string }; path: string };
}

export const silence = answer(204);

/** Listens on a free port and lets `handle` write to the socket; by default it acknowledges without a content type. */
export async function startEndpoint(
  handle: (request: WebhookRequest, nth: number) => void = ({ socket }) => socket.end(silence),
  createWith: (listener: (socket: Socket) => void) => Server = (listener) => createServer(listener),
): Promise<Endpoint> {
  const requests: WebhookRequest[] = [];
  const sockets = new Set<Socket>();
  const arrivals: (() => void)[] = [];
  const server = createWith((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    readRequest(socket, (request) => {
      requests.push(request);
      for (const tell of arrivals.splice(0)) tell();
      handle(request, requests.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    requests,
    async request(nth) {
      for (;;) {
        const found = requests[nth - 1];
        if (found) return found;
        await new Promise<void>((resolve) => arrivals.push(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An HTTP answer's bytes. Header values are written as given; a length is added for a body. */
export function answer(status: number, contentType?: string, body = ''): string {
  const type = contentType === undefined ? '' : `Content-Type: ${contentType}\r\n`;
  const length = status === 204 ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return `HTTP/1.1 ${status} X\r\n${type}${length}\r\n${body}`;
}

function readRequest(socket: Socket, done: (request: WebhookRequest) => void): void {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\r\n\r\n');
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (end < 0 || text.length < end + 4 + length) return;
    const json = JSON.parse(Buffer.from(text.slice(end + 4), 'latin1').toString('utf8')) as Payload;
    done({ head: text.slice(0, end).split('\r\n'), json, socket });
  });
}
