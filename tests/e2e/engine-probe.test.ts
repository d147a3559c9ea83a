import { type EngineProbe, passedEngines, type ProbedEngine } from '@berth/domain/engine-probe.js';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultProbe, probeEngines, type ProbeOptions } from '@berth/engine/probe/probe.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineProber } from '../../apps/worker/src/nodes/engine-prober.js';
import { berthIn } from './berth.js';
import { FakeQemu, romFates } from './fake-qemu.js';

let fake: FakeQemu;
let folder: string;

beforeAll(async () => {
  fake = await FakeQemu.make();
  folder = mkdtempSync(join(tmpdir(), 'berth-kvm-'));
  writeFileSync(join(folder, 'file'), '');
  execFileSync('mkfifo', [join(folder, 'fifo')]);
});
afterAll(async () => {
  await fake.remove();
  rmSync(folder, { recursive: true });
});

const trialOf = (report: EngineProbe, name: ProbedEngine) => report.engines.find(({ engine }) => engine === name)!;
const probe = (options: Partial<ProbeOptions>) => probeEngines({ ...defaultProbe, ...options });
/** Any file may stand for the device where QEMU is not the real one. */
const withFake = () => probe({ qemuPath: fake.path, kvmPath: '/dev/null' });

describe('a probe', () => {
  test('of this machine takes what truly runs guests fastest, and says why the others lost', async () => {
    const report = await probe({});
    const kvm = trialOf(report, 'kvm');
    expect(trialOf(report, 'tcg')).toMatchObject({ verdict: 'passed', reason: expect.stringContaining('tiny guest') });
    expect(report.driver).toBe(kvm.verdict === 'passed' ? 'kvm' : 'tcg');
    if (kvm.verdict === 'slow')
      expect(kvm.reason).toMatch(/of 48 M .*software counted 48 M in [\d.]+ s, \d+ times faster/);
    expect(report.speedRatio).toBeGreaterThan(0.005);
  });

  test.each(['missing', 'file', 'fifo'])('with a /dev/kvm that is none (%s) takes software', async (name) => {
    const report = await probe({ kvmPath: join(folder, name) });
    const expected = name === 'missing' ? { verdict: 'absent', seconds: null } : { verdict: 'failed' };
    expect(trialOf(report, 'kvm')).toMatchObject(expected);
    expect(report.driver).toBe('tcg');
  });

  test('with a KVM faster than software takes it, and offers software as well', async () => {
    await fake.setRom('good');
    const report = await withFake();
    expect(trialOf(report, 'kvm')).toMatchObject({
      verdict: 'passed',
      reason: expect.stringMatching(/times faster than software; tiny guest ready/),
    });
    expect(passedEngines(report)).toEqual(['kvm', 'tcg']);
    expect(report.driver).toBe('kvm');
  });

  const verdicts = {
    hang: ['hung', /^no sign of the guest in/],
    abort: ['failed', /^QEMU ended .* SIGABRT$/],
    reset: ['failed', /^the guest was reset/],
    'internal-error': ['failed', /^internal-error .*KVM internal error/],
    'no-faster': ['slow', /software counted/],
  } as const;
  test.each(romFates.filter((fate) => fate !== 'good'))(
    'with a KVM that does this: %s, takes software',
    async (fate) => {
      await fake.setRom(fate);
      const report = await withFake();
      const [verdict, reason] = verdicts[fate];
      expect(trialOf(report, 'kvm')).toMatchObject({ verdict, reason: expect.stringMatching(reason) });
      expect(report.driver).toBe('tcg');
      expect(trialOf(report, 'kvm').seconds).toBeLessThan(10);
    },
  );

  test('with a KVM that counts but boots no guest takes software', async () => {
    await fake.setRom('good');
    await fake.setGuests('exit');
    const report = await withFake();
    expect(trialOf(report, 'kvm')).toMatchObject({
      verdict: 'failed',
      reason: expect.stringContaining('does not boot the tiny guest'),
    });
    expect(report.driver).toBe('tcg');
    await fake.setGuests('good');
  });

  test('is kept for its owner alone, until the machine differs, an engine failed, or it is asked again', async () => {
    await fake.setRom('hang');
    const path = join(folder, 'probe.json');
    const options = { ...defaultProbe, qemuPath: fake.path, kvmPath: '/dev/null' };
    const prober = new EngineProber(options, path);
    const first = await prober.known();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const marked = { ...first, seconds: 4711 };
    const mark = (key?: string) => {
      const file = JSON.parse(readFileSync(path, 'utf8')) as { key: string };
      writeFileSync(path, JSON.stringify({ key: key ?? file.key, probe: marked }));
    };
    mark();
    expect(await new EngineProber(options, path).known()).toEqual(marked);
    expect((await new EngineProber({ ...options, allowed: ['tcg'] }, path).known()).seconds).toBeLessThan(60);
    mark('of another boot');
    expect((await prober.known()).seconds).toBeLessThan(60);
    mark();
    expect((await prober.again()).seconds).toBeLessThan(60);
    mark();
    await prober.forget();
    expect((await prober.known()).seconds).toBeLessThan(60);
    writeFileSync(path, '{"key":');
    expect((await prober.known()).driver).toBe('tcg');
  });

  test('neither tries nor takes what the node may not use', async () => {
    await fake.setRom('good');
    const report = await probe({ qemuPath: fake.path, kvmPath: '/dev/null', allowed: ['tcg'] });
    expect(trialOf(report, 'kvm')).toMatchObject({ verdict: 'forbidden', seconds: null });
    expect(passedEngines(report)).toEqual(['tcg']);
  });

  test('without QEMU says so at once, and what helps', async () => {
    const report = await probe({ qemuPath: join(folder, 'no-qemu'), allowed: ['kvm', 'tcg'] });
    expect(report).toMatchObject({ driver: null, speedRatio: null });
    expect(trialOf(report, 'tcg')).toMatchObject({
      verdict: 'absent',
      reason: expect.stringContaining('apt-get install'),
    });
    expect(existsSync('/dev/kvm') ? trialOf(report, 'kvm').verdict : 'absent').toBe('absent');
  });
});

describe('`berth node probe --local`', () => {
  const probeLocal = (variables: Record<string, string>) =>
    berthIn(variables, 'node', 'probe', '--local', '-o', 'json');

  test('goes by the variables that a worker goes by', async () => {
    await fake.setRom('good');
    const qemu = { BERTH_QEMU: fake.path, BERTH_KVM_DEVICE: '/dev/null' };
    expect(JSON.parse((await probeLocal(qemu)).stdout)).toMatchObject({ driver: 'kvm' });
    const pinned = JSON.parse((await probeLocal({ ...qemu, BERTH_DRIVER: 'tcg' })).stdout) as EngineProbe;
    expect(trialOf(pinned, 'kvm')).toMatchObject({ verdict: 'forbidden', reason: 'this node is bound to tcg' });
    const missing = join(folder, 'missing');
    const { exitCode, stdout, stderr } = await probeLocal({
      BERTH_KVM_DEVICE: missing,
      BERTH_DRIVERS_FORBIDDEN: 'tcg,v86',
    });
    const none = JSON.parse(stdout) as EngineProbe;
    expect(none.engines.map(({ verdict }) => verdict)).toEqual(['absent', 'forbidden', 'forbidden']);
    expect(trialOf(none, 'kvm').reason).toBe(`there is no ${missing}`);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining('no engine runs guests here'),
    });
  });

  test.each([
    ['BERTH_QEMU', '/no/such/qemu', 'must be a program that runs'],
    ['BERTH_DRIVER', 'vmware', 'Invalid option'],
    ['BERTH_DRIVER', 'model', 'simulates guests'],
    ['BERTH_DRIVERS_FORBIDDEN', 'xen', 'Invalid option'],
  ])('names the variable at fault: %s=%s', async (name, value, why) => {
    const { exitCode, stdout, stderr } = await probeLocal({ [name]: value });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`${name}\\b.*: .*${why}`));
    expect(stderr).toMatch(/next: .*unset/);
  });
});
