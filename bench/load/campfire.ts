import { createServer, type IncomingMessage } from 'node:http';

/** A post as it arrived. */
export interface Arrived {
  roomId: number;
  /** The class by which the service marks it, such as `m81-0`. */
  marker: string;
  text: string;
  /** `edit`: the message was there before, under the same mark or another. */
  how: 'post' | 'edit';
}

/** As little of Campfire as taking posts needs, so that the load is the service's: 201, and rooms that read as empty. */
export async function startPostOffice(): Promise<{
  url: string;
  arrived: Arrived[];
  close(): void;
}> {
  const arrived: Arrived[] = [];
  const server = createServer(async (request, response) => {
    const roomId = Number(/^\/rooms\/(\d+)\//.exec(request.url ?? '')?.[1]);
    const body = await textOf(request);
    if (request.method === 'GET' || request.method === 'DELETE') {
      response.writeHead(200, { 'X-Version': '1.5.0', 'Content-Type': 'application/json' }).end('[]');
      return;
    }
    const json = { 'X-Version': '1.5.0', 'Content-Type': 'application/json' };
    if (request.url?.endsWith('/boosts')) {
      response.writeHead(201, json).end('{"id":1}');
      return;
    }
    const marker = /class="([mt]\d+-\d+)/.exec(body)?.[1] ?? '';
    const how = request.method === 'PATCH' ? 'edit' : 'post';
    arrived.push({ roomId, marker, text: body.replace(/<[^>]+>/g, ''), how });
    if (how === 'edit') {
      response.writeHead(200, json).end('{}');
      return;
    }
    response
      .writeHead(201, { 'X-Version': '1.5.0', Location: `http://campfire/messages/${arrived.length}` })
      .end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    ...{ url: `http://127.0.0.1:${port}`, arrived },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
