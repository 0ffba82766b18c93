import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

/**
 * The least that a durable acknowledgement needs, to compare with: a server that does nothing else writes each webhook
 * over the next piece of a file that has its length already, syncs it, and answers 204. A process of its own, on the disk
 * whose folder is its argument; tells its address, and ends with the process that started it.
 */
const pieceBytes = 4096;
const pieces = 2048;

const folder = process.argv[2];
if (folder === undefined) throw new Error('A folder is needed.');
process.on('disconnect', () => process.exit());
const file = await open(join(folder, 'bare-intake'), 'w');
await file.write(Buffer.alloc(pieceBytes * pieces));
await file.sync();
let next = 0;

const server = createServer(async (request, response) => {
  const piece = Buffer.alloc(pieceBytes);
  let length = 0;
  for await (const chunk of request) length += (chunk as Buffer).copy(piece, length);
  await file.write(piece, 0, pieceBytes, (next++ % pieces) * pieceBytes);
  await file.datasync();
  response.writeHead(204).end();
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') process.send?.(`http://127.0.0.1:${address?.port}`);
});
