# Read by the scripts beside it, never run: a service's process tree as an operator sees it, from /proc and ps alone.
# The tree is all that counts: other people's `claude` on the same machine, and words on a command line, do not.

stop() {
  printf '%s\n' "$*" >&2
  exit 2
}

# find_service: sets `service` to the pid at the top of the tree, from `pid_or_file` or `container`.
find_service() {
  if [ -n "$container" ]; then
    service=$(docker inspect --format '{{.State.Pid}}' "$container") || stop "There is no container $container."
  elif [ -f "$pid_or_file" ]; then
    read -r service <"$pid_or_file" || true
  else
    service=$pid_or_file
  fi
  [[ $service =~ ^[1-9][0-9]*$ ]] || stop "\"$service\" is no process id."
  [ -d "/proc/$service" ] || stop "There is no process $service here. (Containers in a virtual machine cannot be seen.)"
  [ "$(memory_kb "$service")" -gt 0 ] || stop "The memory of process $service cannot be read: run this as root or as its user."
}

# tree <pid>: the pid and those of everything below it, one a line.
tree() {
  local members=" $1 " grew=yes pid parent processes
  processes=$(ps -e -o pid= -o ppid=)
  while [ "$grew" = yes ]; do
    grew=no
    while read -r pid parent; do
      if [[ $members == *" $parent "* && $members != *" $pid "* ]]; then
        members+="$pid "
        grew=yes
      fi
    done <<<"$processes"
  done
  printf '%s\n' $members
}

# is_agent <pid>: whether it is `claude` itself, not a wrapper that has it on its command line.
is_agent() {
  local program=
  IFS= read -r -d '' program 2>/dev/null <"/proc/$1/cmdline" || true
  [[ $program == claude || $program == */claude ]]
}

# agents <pid>: the agents of its tree, one a line.
agents() {
  local pid
  for pid in $(tree "$1"); do
    if is_agent "$pid"; then printf '%s\n' "$pid"; fi
  done
}

# count <words…>: how many there are.
count() {
  printf '%s\n' $#
}

# memory_kb <pid…>: their proportional memory together, in kB; processes that have ended hold none.
memory_kb() {
  local pid key value rest sum=0
  for pid; do
    while read -r key value rest; do
      if [ "$key" = Pss: ]; then sum=$((sum + value)); fi
    done 2>/dev/null <"/proc/$pid/smaps_rollup" || true
  done
  printf '%s\n' "$sum"
}

# tree_mb <pid>: the whole tree in MB.
tree_mb() {
  printf '%s\n' $(($(memory_kb $(tree "$1")) / 1024))
}

# zombies <pid>: processes of the tree that have ended and that nobody has collected.
zombies() {
  local members pid state found=0
  members=" $(tree "$1" | tr '\n' ' ')"
  while read -r pid state; do
    if [[ $state == Z* && $members == *" $pid "* ]]; then found=$((found + 1)); fi
  done <<<"$(ps -e -o pid= -o stat=)"
  printf '%s\n' "$found"
}

failed=0
pass() { printf 'PASS  %s\n' "$*"; }
fail() {
  printf 'FAIL  %s\n' "$*"
  failed=$((failed + 1))
}

# verdict: the last line and the exit code, 0 or 1.
verdict() {
  if [ "$failed" -eq 0 ]; then
    printf '\nPASS: everything held.\n'
  else
    printf '\nFAIL: %d did not hold.\n' "$failed"
    exit 1
  fi
}

need_whole() {
  [[ $2 =~ ^[0-9]+$ ]] || stop "$1 must be a whole number, not \"$2\"."
}
