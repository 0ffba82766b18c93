/** What `claude` sends to the Anthropic Messages API, read without trust: other fields and odd shapes are passed over. */

export type Block =
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown }
  | { type: 'tool_result'; toolUseId: string; text: string; isError: boolean };

export interface Spoken {
  /** `system` too: the CLI tells its environment in the middle of a conversation. */
  role: 'user' | 'assistant' | 'system';
  blocks: readonly Block[];
}

export interface ModelRequest {
  model: string;
  /** Whether the answer is to come as server-sent events. */
  stream: boolean;
  maxTokens: number | null;
  /** All system blocks, joined by line breaks. */
  system: string;
  messages: readonly Spoken[];
  /** Names of the tools that the model may call. */
  tools: readonly string[];
  /** The shape that the answer must have, when one is demanded. */
  schema: Json | null;
  /** The CLI's session, so that a second try can be told from a first one. */
  session: string;
  /** A rough count of input tokens: four characters each. */
  inputTokens: number;
}

export interface Json {
  readonly [key: string]: unknown;
}

/** Null when the text is not the JSON of a request with messages. */
export function readRequest(json: string): ModelRequest | null {
  const body = objectOf(parse(json));
  if (!Array.isArray(body.messages)) return null;
  const format = objectOf(objectOf(body.output_config).format);
  return {
    model: stringOf(body.model),
    stream: body.stream === true,
    maxTokens: typeof body.max_tokens === 'number' ? body.max_tokens : null,
    system: textsOf(body.system).join('\n'),
    messages: body.messages.map(spokenOf),
    tools: listOf(body.tools).map((tool) => stringOf(objectOf(tool).name)),
    schema: format.type === 'json_schema' ? objectOf(format.schema) : null,
    session: stringOf(objectOf(body.metadata).user_id),
    inputTokens: Math.ceil(json.length / 4),
  };
}

/** The smallest value that fits a JSON schema, its strings being `words`. */
export function fitting(schema: Json, words: string): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0];
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(objectOf(schema.properties)).map(([name, inner]) => [
          name,
          fitting(objectOf(inner), words),
        ]),
      );
    case 'array':
      return [];
    case 'boolean':
      return false;
    case 'number':
    case 'integer':
      return 0;
    case 'null':
      return null;
    default:
      return words;
  }
}

function spokenOf(message: unknown): Spoken {
  const { role, content } = objectOf(message);
  return {
    role: role === 'assistant' || role === 'system' ? role : 'user',
    blocks: typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content).flatMap(blockOf),
  };
}

function blockOf(value: unknown): Block[] {
  const block = objectOf(value);
  switch (block.type) {
    case 'text':
      return [{ type: 'text', text: stringOf(block.text) }];
    case 'tool_use':
      return [
        { type: 'tool_use', id: stringOf(block.id), name: stringOf(block.name), input: block.input ?? {} },
      ];
    case 'tool_result':
      return [
        {
          type: 'tool_result',
          toolUseId: stringOf(block.tool_use_id),
          text: textsOf(block.content).join('\n'),
          isError: block.is_error === true,
        },
      ];
    default:
      return [];
  }
}

function textsOf(content: unknown): string[] {
  if (typeof content === 'string') return [content];
  return listOf(content).flatMap((part) => {
    const { type, text } = objectOf(part);
    return type === 'text' && typeof text === 'string' ? [text] : [];
  });
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
