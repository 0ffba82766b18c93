import type { AgentProfile } from './agent.ts';
import { toolServer } from './tools.ts';

/** What a session may use. Everything not named is refused at once by the agent, never asked, never waited for. */
export interface ToolGrant {
  /** The built-in tools the model is shown. */
  tools: string[];
  /** What runs without a question: those tools, the bot tools, and every tool of the bot's own MCP servers. */
  allowed: string[];
}

/** File tools reach no further than the working folder unless a rule says so. */
const fileTools = new Set(['Read', 'Write', 'Edit', 'Glob', 'Grep']);

/** A tool that runs commands, bare or as a pattern such as `Bash(git *)`. */
export function isShell(tool: string): boolean {
  return /^(?:Bash|Monitor|PowerShell)(?:\(|$)/.test(tool);
}

export function grantFor(profile: AgentProfile, workFolder: string, bashAllowed: boolean): ToolGrant {
  const tools = profile.tools.filter((tool) => !isShell(tool) || bashAllowed);
  const insideWork = (tool: string) => (fileTools.has(tool) ? `${tool}(/${workFolder}/**)` : tool);
  const servers = [toolServer, ...Object.keys(profile.mcpServers)].map((name) => `mcp__${name}`);
  return { tools, allowed: [...tools.map(insideWork), ...servers] };
}
