#!/usr/bin/env bash
# Watches the agent processes of a running service and its memory, and says whether they stay within limits.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "$0")")/service_tree.sh"

usage() {
  cat <<'TEXT'
Usage: scripts/monitor_subprocesses.sh (--pid PID|FILE | --container NAME) [options]

Prints one line per look: agents (claude itself, in the service's own process tree), zombies and the memory of the
tree, in MB of proportional memory. Run it as root or as the service's user. Needs bash, coreutils and procps.

  --pid PID|FILE      the service, or a file that holds its process id (DATA_DIR/service.pid)
  --container NAME    the container it runs in (asks docker for its process)
  --duration SECONDS  how long to watch (60)
  --interval SECONDS  between two looks (5)
  --max-agents N      FAIL when there are more at any look
  --max-mb MB         FAIL when the tree holds more at any look
  --none-at-end       FAIL when an agent is left at the last look

Exit code: 0 = every limit held, 1 = one did not, 2 = it could not be measured.
TEXT
}

pid_or_file='' container='' duration=60 interval=5 max_agents='' max_mb='' none_at_end=no
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --none-at-end) none_at_end=yes; shift; continue ;;
    --pid | --container | --duration | --interval | --max-agents | --max-mb) [ $# -ge 2 ] || stop "$1 needs a value." ;;
    *) stop "Unknown option $1; --help tells what there is." ;;
  esac
  case $1 in
    --pid) pid_or_file=$2 ;;
    --container) container=$2 ;;
    --duration) need_whole "$1" "$2"; duration=$2 ;;
    --interval) need_whole "$1" "$2"; interval=$2 ;;
    --max-agents) need_whole "$1" "$2"; max_agents=$2 ;;
    --max-mb) need_whole "$1" "$2"; max_mb=$2 ;;
  esac
  shift 2
done
[ -n "$pid_or_file$container" ] || stop 'Name the service: --pid or --container.'
find_service

highest_agents=0 highest_mb=0 highest_zombies=0
printf '%-8s  %6s  %7s  %7s\n' time agents zombies MB
end=$((SECONDS + duration))
while :; do
  [ -d "/proc/$service" ] || stop "The service (process $service) ended while it was watched."
  agents_now=$(count $(agents "$service"))
  zombies_now=$(zombies "$service")
  mb_now=$(tree_mb "$service")
  printf '%(%H:%M:%S)T  %6d  %7d  %7d\n' -1 "$agents_now" "$zombies_now" "$mb_now"
  if [ "$agents_now" -gt "$highest_agents" ]; then highest_agents=$agents_now; fi
  if [ "$zombies_now" -gt "$highest_zombies" ]; then highest_zombies=$zombies_now; fi
  if [ "$mb_now" -gt "$highest_mb" ]; then highest_mb=$mb_now; fi
  if [ "$SECONDS" -ge "$end" ]; then break; fi
  sleep "$interval"
done

printf '\nAt most %d agents, %d zombies and %d MB; at the end %d agents and %d MB.\n' \
  "$highest_agents" "$highest_zombies" "$highest_mb" "$agents_now" "$mb_now"
check_limit() {
  [ -n "$3" ] || return 0
  if [ "$2" -le "$3" ]; then pass "$1: $2 (limit $3)"; else fail "$1: $2 (limit $3)"; fi
}
check_limit 'agents at once' "$highest_agents" "$max_agents"
check_limit 'MB in the whole tree' "$highest_mb" "$max_mb"
if [ "$none_at_end" = yes ]; then check_limit 'agents at the end' "$agents_now" 0; fi
verdict
