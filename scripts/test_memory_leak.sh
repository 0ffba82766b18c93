#!/usr/bin/env bash
# Sends a running service real messages and looks whether processes or memory stay behind.
set -euo pipefail
. "$(dirname -- "$(readlink -f -- "$0")")/service_tree.sh"

usage() {
  cat <<'TEXT'
Usage: scripts/test_memory_leak.sh --url URL (--pid PID|FILE | --container NAME) [options]

Four tests against a running service, with messages that a bot really answers (into a room of yours: take one for
tests). Run it on the service's machine, as root or as the service's user. Needs bash, curl, coreutils and procps.

  1  clean-up   past the idle time no agent process is left
  2  memory     ten requests later the service is as small as before
  3  long task  a long piece of work ends in an answer, by the same service
  4  restart    no agent of the earlier life is left (only with a way to restart)

  --url URL              where the service answers, e.g. http://127.0.0.1:8000
  --pid PID|FILE         the service, or a file that holds its process id (DATA_DIR/service.pid)
  --container NAME       the container it runs in; also gives test 4 its way to restart
  --token TOKEN          WEBHOOK_TOKEN of the service; without one it takes messages from its own machine only
  --admin-token TOKEN    ADMIN_TOKEN; adds the check that no turn failed
  --bot ID               the bot to ask (the only or default one)
  --room ID              the first room to speak in (1)
  --rooms N              as many rooms from there on, in turn (1)
  --requests N           of test 2 (10)
  --ttl SECONDS          SESSION_TTL_SECONDS of the service (300)
  --past-ttl SECONDS     that agents may need beyond the idle time to be gone (60)
  --timeout SECONDS      that one answer may take (600)
  --growth-mb MB         that the service may be larger afterwards (30)
  --task TEXT            the long piece of work
  --restart COMMAND      restarts the service, e.g. "systemctl restart campfire-ai-bot"

Exit code: 0 = all held, 1 = something did not, 2 = it could not be measured.
TEXT
}

url='' pid_or_file='' container='' token='' admin_token='' bot='' room=1 rooms=1 requests=10 ttl=300 past_ttl=60
timeout=600 growth_mb=30 restart=''
task='Make an HTML presentation of ten slides about harbours, step by step, and give me the link.'
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --*) [ $# -ge 2 ] || stop "$1 needs a value." ;;
  esac
  case $1 in
    --url) url=${2%/} ;;
    --pid) pid_or_file=$2 ;;
    --container) container=$2 ;;
    --token) token=$2 ;;
    --admin-token) admin_token=$2 ;;
    --bot) bot=$2 ;;
    --task) task=$2 ;;
    --restart) restart=$2 ;;
    --room | --rooms | --requests | --ttl | --past-ttl | --timeout | --growth-mb)
      need_whole "$1" "$2"
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      ;;
    *) stop "Unknown option $1; --help tells what there is." ;;
  esac
  shift 2
done
[ -n "$url" ] || stop 'Tell where the service answers: --url.'
[ -n "$pid_or_file$container" ] || stop 'Name the service: --pid or --container.'
if [ -n "$container" ] && [ -z "$restart" ]; then restart="docker restart $container"; fi

health() {
  curl --silent --show-error --fail --max-time 10 "$url/health" || stop "$url/health does not answer."
}

# number <name>: a number of /health.
number() {
  [[ $(health) =~ \"$1\":([0-9]+) ]] || stop "/health does not tell $1."
  printf '%s\n' "${BASH_REMATCH[1]}"
}

# failed_turns: by the service's own count; empty without ADMIN_TOKEN.
failed_turns() {
  local line sum=0
  [ -n "$admin_token" ] || return 0
  while read -r line; do
    if [[ $line == *turns_total\{*outcome=\"failed\"*\}* ]]; then sum=$((sum + ${line##* })); fi
  done < <(curl --silent --fail --config - <<<"header = \"Authorization: Bearer $admin_token\"
url = \"$url/metrics\"")
  printf '%s\n' "$sum"
}

# ask <room> <text>: sends a message as a person would, and checks that it is kept.
ask() {
  local status text=${2//\\/\\\\} body
  body="{\"creator\":{\"id\":1,\"name\":\"Memory test\"},\"room\":{\"id\":$1,\"name\":\"Memory test\"},\"content\":\"${text//\"/\\\"}\"}"
  # The token goes in by a pipe: a command line is for everybody to read.
  status=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 30 --config - <<<"url = \"$url/webhook${bot:+/$bot}${token:+?token=$token}\"" \
    --header 'Content-Type: application/json' --data-binary "$body") || stop "$url does not answer."
  case $status in
    204) ;;
    401) stop 'The message was refused (401): pass --token, or run this on the machine of the service.' ;;
    *) stop "The message was refused ($status)." ;;
  esac
}

# wait_for <what> <seconds> <command…>: until the command succeeds; returns 1 when it does not in time.
wait_for() {
  local what=$1 give_up=$((SECONDS + $2))
  shift 2
  until "$@"; do
    if [ "$SECONDS" -ge "$give_up" ]; then
      printf '      still waiting for %s\n' "$what"
      return 1
    fi
    sleep 0.2
  done
}

all_have_outcome() { [ "$(number messages_without_outcome)" -eq 0 ]; }
# Spares wait for the next conversation and belong to nobody: only with them may an agent stay.
sessions_left() { printf '%s\n' $(($(count $(agents "$service")) - $(number spare))); }
none_but_spares() { [ "$(sessions_left)" -le 0 ]; }
answers() { curl --silent --fail --max-time 5 --output /dev/null "$url/ready"; }

find_service
printf 'Service: process %d, %d MB, %d agents.\n' "$service" "$(tree_mb "$service")" "$(count $(agents "$service"))"
wait_for 'a quiet service' $((ttl + past_ttl)) none_but_spares || stop 'Sessions are in use: try when nobody speaks with a bot.'
failed_before=$(failed_turns)
before_mb=$(($(memory_kb "$service") / 1024))

printf '\nTests 1 and 2: %d requests\n' "$requests"
answered=0 seen=0
for ((request = 1; request <= requests; request++)); do
  in_room=$((room + (request - 1) % rooms))
  ask "$in_room" "Memory test, request $request of $requests: please answer with one word."
  if wait_for 'an answer' "$timeout" all_have_outcome; then answered=$((answered + 1)); fi
  agents_now=$(count $(agents "$service"))
  if [ "$agents_now" -gt "$seen" ]; then seen=$agents_now; fi
  printf '      request %d: %d agents, %d MB\n' "$request" "$agents_now" "$(tree_mb "$service")"
done
if [ "$answered" -eq "$requests" ]; then pass "$answered of $requests requests came to an end"; else fail "$answered of $requests requests came to an end"; fi
# A count that sees no agent at work would find none afterwards, too.
if [ "$seen" -gt 0 ]; then pass "agents were seen at work: $seen at most"; else fail 'no agent was seen at work'; fi
last_answer=$SECONDS
if wait_for 'agents to end' $((ttl + past_ttl)) none_but_spares; then
  pass "no agent is left (spares apart) $((SECONDS - last_answer)) s after the last answer (limit: idle time $ttl s + $past_ttl s)"
else
  fail "$(sessions_left) agents are left $((SECONDS - last_answer)) s after the last answer (limit: idle time $ttl s + $past_ttl s)"
fi
after_mb=$(($(memory_kb "$service") / 1024))
growth="$before_mb MB before, $after_mb MB after $requests requests (limit: $growth_mb MB more)"
if [ $((after_mb - before_mb)) -le "$growth_mb" ]; then pass "$growth"; else fail "$growth"; fi

printf '\nTest 3: a long task\n'
began=$SECONDS
ask "$room" "$task"
if wait_for 'the long task' "$timeout" all_have_outcome && [ -d "/proc/$service" ]; then
  pass "it came to an end after $((SECONDS - began)) s; the service is the same process $service"
else
  fail "it did not come to an end within $timeout s, or the service did not live that long"
fi
if [ -n "$admin_token" ]; then
  failed_more=$(($(failed_turns) - failed_before))
  if [ "$failed_more" -eq 0 ]; then pass 'no turn failed'; else fail "$failed_more turns failed; the log says why"; fi
fi

if [ -n "$restart" ]; then
  printf '\nTest 4: a restart\n'
  ask "$room" 'Memory test: please answer with one word, before a restart.'
  wait_for 'an answer' "$timeout" all_have_outcome || true
  old=$(agents "$service")
  old_service=$service
  bash -c "$restart" >/dev/null || stop "The restart command failed: $restart"
  wait_for 'the service to answer again' 60 answers || stop 'The service did not answer within 60 s of its restart.'
  find_service
  left=0
  for pid in $old; do
    if is_agent "$pid"; then left=$((left + 1)); fi
  done
  if [ "$service" != "$old_service" ]; then pass "it is another process: $service"; else fail "it is still process $service"; fi
  if [ "$left" -eq 0 ]; then pass "none of $(count $old) earlier agents is left"; else fail "$left of $(count $old) earlier agents are left"; fi
else
  printf '\nTest 4 was left out: pass --restart or --container.\n'
fi
verdict
