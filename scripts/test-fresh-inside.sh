#!/usr/bin/env bash
# The part of test-fresh.sh that runs on the fresh machine: the suites named, in their order.
set -euo pipefail
cd /root/berth

fail() {
  echo "✗ $*" >&2
  tail -n 30 .data/logs/*.log >&2 || true
  exit 1
}

# At least six instances run, on all three nodes.
assert_up() {
  bin/berth instance list -o json | node -e '
    const instances = JSON.parse(require("fs").readFileSync(0, "utf8"));
    const running = instances.filter(({ state }) => state === "running");
    const nodes = new Set(running.map(({ node }) => node));
    console.log(`${running.length} instances run on ${nodes.size} nodes`);
    process.exit(running.length >= 6 && nodes.size === 3 ? 0 : 1);
  ' || fail 'not six instances on three nodes'
}

# Of the whole datacenter no process is left: all here are this script and its children.
assert_nothing_left() {
  local left=''
  for process in /proc/[0-9]*; do
    case "$(tr '\0' ' ' < "$process/cmdline" 2> /dev/null)" in
      *postgres* | *redis* | *qemu* | *berth-guard* | */dist/apps/*) left+=" ${process#/proc/}" ;;
    esac
  done
  [[ -z $left ]] || fail "left behind:$left"
}

start_and_stop() {
  echo "── $1"
  SECONDS=0
  npm start -- --detach || fail 'npm start'
  echo "npm start: $SECONDS s"
  assert_up
  bin/berth down
  assert_nothing_left
}

run_tests() {
  echo "── $1"
  npm test | tee /tmp/test.log || fail 'npm test'
  tail -n 1 /tmp/test.log | grep -Eqx '[0-9]+ passed, 0 failed' || fail 'the last line is not "N passed, 0 failed"'
}

# Kills a first start and all it began, outright, once its output shows $1; then the next start must come up.
kill_half_way() {
  echo "── killed at: $1"
  setsid npm start -- --detach > /tmp/start.log 2>&1 &
  local start=$!
  until grep -q -- "$1" /tmp/start.log; do
    kill -0 $start 2> /dev/null || fail "never saw: $1"
    sleep 0.1
  done
  kill -9 -- -$start
  local launcher
  launcher=$(grep -oE '"pid":[0-9]+' .data/run/launcher.json 2> /dev/null | grep -oE '[0-9]+' || true)
  [[ -z $launcher ]] || kill -9 "$launcher" 2> /dev/null || true
  wait $start 2> /dev/null || true
}

for suite; do
  case $suite in
    start)
      start_and_stop 'first start'
      start_and_stop 'second start'
      ;;
    tests)
      run_tests 'tests'
      run_tests 'tests again'
      ;;
    killed)
      rm -rf node_modules dist .data libs/database/src/generated
      for moment in 'npm packages' 'build' 'PostgreSQL' 'workers' 'instances ready'; do kill_half_way "$moment"; done
      start_and_stop 'start after five that were killed'
      ;;
    *) fail "no suite $suite" ;;
  esac
done
echo "✓ fresh machine: $*"
