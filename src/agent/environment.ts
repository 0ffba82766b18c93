import { inheritedEnvironment } from '../config/settings.ts';
import type { Slot } from './agent.ts';

/**
 * What every agent finds in its environment: built from a list, so that nothing of the service's environment gets there
 * by accident. The variables are those of the bundled `claude`.
 */
export function agentEnvironment(version: string): Record<string, string> {
  return {
    ...inheritedEnvironment(),
    CLAUDE_AGENT_SDK_CLIENT_APP: `campfire-ai-bot/${version}`,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    // A task that outlives its turn would start turns by itself, and processes that nobody waits for.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    // Five tries take some 16 s; then the room hears that Claude cannot be reached, and can ask again.
    CLAUDE_CODE_MAX_RETRIES: '5',
    // A stream that falls silent is noticed after 90 s instead of 300 and asked for again; the API sends a ping
    // every few seconds. Both come before a turn counts as stuck.
    CLAUDE_ENABLE_BYTE_WATCHDOG: '1',
    CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '90000',
    API_TIMEOUT_MS: '240000',
  };
}

/** Everything `claude` would otherwise leave under the home or temp folder of the service (see docs/decisions.md). */
export function slotEnvironment(slot: Slot): Record<string, string> {
  return {
    HOME: slot.config,
    CLAUDE_CONFIG_DIR: slot.config,
    CLAUDE_CODE_TMPDIR: slot.temp,
    TMPDIR: slot.temp,
  };
}

/** An environment without its unset variables. */
export function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
