import type { Command } from 'commander';
import { CliError } from '../output/failure.js';

/** Commands whose arguments are things of the datacenter: asked of it when the key is pressed. */
const liveNouns: readonly string[] = ['instance', 'node'];
const liveVerbs: readonly string[] = [
  'get',
  'explain',
  'console',
  'screenshot',
  'exec',
  'restore',
  'rebuild',
  'clone',
  'rescue',
  'unrescue',
  'start',
  'stop',
  'reboot',
  'pause',
  'suspend',
  'resume',
  'resize',
  'migrate',
  'delete',
  'cordon',
  'uncordon',
  'drain',
  'probe',
];

interface Words {
  /** What may follow the words before the cursor. */
  readonly after: readonly (readonly [path: string, words: readonly string[]])[];
  readonly live: readonly (readonly [path: string, noun: string])[];
}

/** A shell's own completion, made from the very commands. @throws CliError for a shell it does not know */
export function completionScript(program: Command, shell: string): string {
  const words = wordsOf(program);
  switch (shell) {
    case 'bash':
      return bash(words);
    case 'zsh':
      return `#compdef berth\nautoload -U +X bashcompinit && bashcompinit\n${bash(words)}`;
    case 'fish':
      return fish(words);
    default:
      throw new CliError(`completion is there for bash, zsh and fish, not for "${shell}"`);
  }
}

function wordsOf(program: Command): Words {
  const nouns = program.commands;
  const options = (command: Command): string[] => command.options.flatMap(({ long }) => long ?? []);
  const verbsOf = (noun: Command): string[] => noun.commands.map((verb) => verb.name());
  const leaves = nouns.flatMap((noun) =>
    noun.commands.map((verb) => [`${noun.name()} ${verb.name()}`, options(verb)] as const),
  );
  return {
    after: [
      ['', [...nouns.map((noun) => noun.name()), ...options(program)]],
      ...nouns.map((noun) => [noun.name(), [...verbsOf(noun), ...options(noun)]] as const),
      ...leaves,
    ],
    live: nouns
      .filter((noun) => liveNouns.includes(noun.name()))
      .flatMap((noun) =>
        verbsOf(noun)
          .filter((verb) => liveVerbs.includes(verb))
          .map((verb) => [`${noun.name()} ${verb}`, noun.name()] as const),
      ),
  };
}

function bash({ after, live }: Words): string {
  const cases = after.map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`);
  const liveCases = live.map(
    ([path, noun]) => `    '${path}') words="$words $(berth ${noun} list -o name 2>/dev/null)" ;;`,
  );
  return `_berth() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && continue
    case "$path" in '') path="$word" ;; *' '*) ;; *) path="$path $word" ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  case "$path" in
${liveCases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _berth berth`;
}

function fish({ after, live }: Words): string {
  const condition = (path: string): string => {
    const parts = path.split(' ').filter((part) => part !== '');
    return parts.length === 0
      ? '__fish_use_subcommand'
      : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ');
  };
  const fixed = after.map(([path, words]) => `complete -c berth -f -n '${condition(path)}' -a '${words.join(' ')}'`);
  const asked = live.map(
    ([path, noun]) => `complete -c berth -f -n '${condition(path)}' -a '(berth ${noun} list -o name 2>/dev/null)'`,
  );
  return [...fixed, ...asked].join('\n');
}
