import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../program.js';
import { completionScript } from './script.js';

/** What bash would offer after these words; `berth` itself is a stand-in that knows two instances. */
function offered(...words: string[]): string[] {
  const script = `berth() { [[ "$*" == 'instance list -o name' ]] && printf 'web-1\\nweb-2\\n'; }
${completionScript(buildProgram({}), 'bash')}
COMP_WORDS=(berth ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
_berth; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe('bash offers', () => {
  test('every command', () => {
    expect(offered('')).toEqual(expect.arrayContaining(['up', 'down', 'instance', 'node', 'events', 'top']));
    expect(offered('ins')).toEqual(['instance']);
  });

  test('the verbs of a noun, and the flags of a verb', () => {
    expect(offered('instance', 'st')).toEqual(['start', 'stop']);
    expect(offered('instance', 'create', '--ty')).toEqual(['--type']);
  });

  test('the names of instances that are there', () => {
    expect(offered('instance', 'stop', 'web')).toEqual(['web-1', 'web-2']);
    expect(offered('instance', 'stop', 'web-1', 'web')).toEqual(['web-1', 'web-2']);
  });
});

test('zsh and fish get a script too, others are told which there are', () => {
  expect(completionScript(buildProgram({}), 'zsh')).toMatch(/^#compdef berth/);
  expect(completionScript(buildProgram({}), 'fish')).toMatch(/complete -c berth/);
  expect(() => completionScript(buildProgram({}), 'tcsh')).toThrow(/bash, zsh and fish/);
});
