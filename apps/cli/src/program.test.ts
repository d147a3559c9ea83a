import { expect, test } from 'vitest';
import { CliError } from './output/failure.js';
import { buildProgram } from './program.js';

/** Nothing answers there: what is asked of the API ends otherwise than what is refused here. */
const environment = { BERTH_ENDPOINT: 'http://127.0.0.1:9', BERTH_TOKEN: 'none' };

async function refusal(...words: string[]): Promise<CliError> {
  const error = await buildProgram(environment)
    .parseAsync(words, { from: 'user' })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  if (error instanceof CliError) return error;
  throw new Error('it was not refused', { cause: error });
}

test.each([
  ['instance create web -t tiny --count x', '--count takes a whole number from 1 to 100, not "x"', '--count 3'],
  ['instance create web -t tiny --count 101', '--count takes a whole number from 1 to 100, not "101"', '--count 3'],
  ['instance create web -t tiny --zone-spread x', '--zone-spread takes a whole number, at least 1', '--zone-spread 1'],
  ['instance create web -t tiny --port ssh', '--port takes a whole number from 1 to 65535, not "ssh"', '--port 22'],
  ['instance clone web copy --count 0', '--count takes a whole number from 1 to 100, not "0"', '--count 3'],
  ['instance vnc web --listen abc', '--listen takes a whole number from 0 to 65535, not "abc"', '--listen 5900'],
  ['operation list --limit all', '--limit takes a whole number, at least 1, not "all"', '--limit 50'],
  ['project create blue --instances many', '--instances takes a whole number, not "many"', '--instances 100'],
  ['project create blue --vcpus 1.5', '--vcpus takes a whole number, not "1.5"', '--vcpus 200'],
  ['project create blue --memory 1g', '--memory takes a whole number of MiB, not "1g"', '--memory 65536'],
  ['token create blue ci --role viewer --hours 1d', '--hours takes a whole number, at least 1', '--hours 24'],
  ['type create big --vcpus two --memory 64', '--vcpus takes a whole number, at least 1, not "two"', '--vcpus 1'],
  ['type create big --vcpus 2 --memory 1g', '--memory takes a whole number of MiB, not "1g"', '--memory 1024'],
  ['type create big --vcpus 2 --memory 64 --disk -1', '--disk takes a whole number of GiB from 0', '--disk 4'],
  ['image import disk.raw --min-memory 1g', '--min-memory takes a whole number of MiB, not "1g"', '--min-memory 512'],
  ['image import disk.raw --min-disk -2', '--min-disk takes a whole number of GiB, not "-2"', '--min-disk 2'],
  ['up --nodes 0', '--nodes takes a whole number from 1 to 64, not "0"', '--nodes 3'],
])('"berth %s" is refused before anything is asked: %s', async (words, message, next) => {
  const error = await refusal(...words.split(' '));
  expect(error.message).toContain(message);
  expect(error.details.next).toBe(next);
});

test.each([
  ['instance create web -t tiny --timeout soon', '--timeout takes a time such as 90s or 2m, not "soon"'],
  ['instance delete web --yes --timeout 1d', '--timeout takes a time such as 90s or 2m, not "1d"'],
  ['top --interval often', '--interval takes a time such as 90s or 2m, not "often"'],
  ['instance exec web --timeout long -- ls', '--timeout takes a time such as 90s or 2m, not "long"'],
  ['instance start web --wait stopped', '--wait takes ready or running, not "stopped"'],
])('"berth %s" is refused before it is begun', async (words, message) => {
  expect((await refusal(...words.split(' '))).message).toBe(message);
});

test.each(['soon', '2 m', '-1'])('ssh does not wait for "%s", and says what it waits for', async (time) => {
  const { message } = await refusal('instance', 'ssh', 'web', '--wait', time);
  expect(message).toBe(`--wait takes a time such as 90s or 2m, not "${time}"`);
});
