import type { AgentProfile } from './agent.ts';
import { toolServer } from './tools.ts';

/** What a session may use. Everything not named is refused at once by the agent, never asked, never waited for. */
export interface ToolGrant {
  /** The built-in tools the model is shown. */
  tools: string[];
  /** What runs without a question: those tools, the bot tools, and every tool of the bot's own MCP servers. */
  allowed: string[];
}

/**
 * File tools reach no further than the working folder. `claude` knows two rules for them, whatever the tool is called
 * (CLI 2.1.330): a rule named `Write` is without effect.
 */
const fileRules: Readonly<Record<string, 'Read' | 'Edit'>> = {
  ...{ Read: 'Read', Glob: 'Read', Grep: 'Read' },
  ...{ Edit: 'Edit', Write: 'Edit', NotebookEdit: 'Edit' },
};

/** A tool that runs commands, bare or as a pattern such as `Bash(git *)`. */
export function isShell(tool: string): boolean {
  return /^(?:Bash|Monitor|PowerShell)(?:\(|$)/.test(tool);
}

export function grantFor(profile: AgentProfile, workFolder: string, bashAllowed: boolean): ToolGrant {
  const tools = profile.tools.filter((tool) => !isShell(tool) || bashAllowed);
  const ruleFor = (tool: string) => {
    const rule = Object.hasOwn(fileRules, tool) ? fileRules[tool] : undefined;
    return rule === undefined ? tool : `${rule}(/${workFolder}/**)`;
  };
  const servers = [toolServer, ...Object.keys(profile.mcpServers)].map((name) => `mcp__${name}`);
  return { tools, allowed: [...new Set([...tools.map(ruleFor), ...servers])] };
}
