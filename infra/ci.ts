import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectDir } from './build.ts';

type Counts = { readonly passed: number; readonly failed: number };

/** The checks beside the tests; one that fails counts as one failure, and only tests count as passed. */
const checks = [
  ['lint', ['run', 'lint']],
  ['types', ['run', 'types']],
  ['synth', ['run', 'synth']],
] as const;

function runCheck([name, args]: (typeof checks)[number]): Counts {
  console.log(`\n== ${name}`);
  const { status } = spawnSync('npm', [...args], { cwd: projectDir, stdio: 'inherit' });
  return { passed: 0, failed: status === 0 ? 0 : 1 };
}

/** Runs all tests. A run that ends badly counts as failed even where no single test did. */
function runTests(): Counts {
  console.log('\n== tests');
  const dir = mkdtempSync(join(tmpdir(), 'plumbline-ci-'));
  const report = join(dir, 'vitest.json');
  const args = ['exec', '--', 'vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync('npm', args, { cwd: projectDir, stdio: 'inherit' });
  const counts = countsOf(report);
  rmSync(dir, { recursive: true });
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

type TestReport = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { status: string }[];
  }[];
};

function countsOf(report: string): Counts {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as TestReport;
    // A file that cannot be loaded, or whose set-up fails, is failed and has no failed test in it.
    const brokenFiles = testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((one) => one.status === 'failed'),
    );
    return { passed: numPassedTests, failed: numFailedTests + brokenFiles.length };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

const all = [...checks.map(runCheck), runTests()];
const passed = all.reduce((sum, counts) => sum + counts.passed, 0);
const failed = all.reduce((sum, counts) => sum + counts.failed, 0);
process.exitCode = failed === 0 ? 0 : 1;
console.log(`${passed} passed, ${failed} failed`);
