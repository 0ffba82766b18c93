import { createInterface } from 'node:readline';
import { systemClock as clock } from '../../src/lib/clock.ts';

/**
 * A program that holds memory: `ballast.ts <MB>` as a neighbour on the machine, `ballast.ts <MB> mcp` as an MCP server
 * (stdio) without tools that takes it while its session runs, in steps of 25 MB.
 */

const [megabytes = '0', role] = process.argv.slice(2);
const stepMb = 25;
const held: Buffer[] = [];

async function take(): Promise<void> {
  for (let taken = 0; taken < Number(megabytes); taken += stepMb) {
    held.push(Buffer.alloc(stepMb * 1024 * 1024, 1));
    await clock.sleep(40);
  }
  if (role !== 'mcp') process.stdout.write(`holding ${held.length * stepMb} MB\n`);
}

function answer(line: string): void {
  const { id, method, params } = JSON.parse(line) as { id?: number; method: string; params?: unknown };
  if (id === undefined) return;
  const { protocolVersion } = (params ?? {}) as { protocolVersion?: string };
  const result =
    method === 'initialize'
      ? { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'ballast', version: '1' } }
      : method === 'tools/list'
        ? { tools: [] }
        : {};
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
}

if (role === 'mcp') createInterface({ input: process.stdin }).on('line', answer);
else process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
await take();
