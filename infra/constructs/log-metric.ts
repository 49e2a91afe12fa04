import { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionName } from '../functions.ts';
import type { PlumblineFunction } from './plumbline-function.ts';

/** Something that a function's log says and that somebody must be told of. */
export type LogMetricSpec = {
  readonly name: string;
  readonly says: string;
  readonly functions: readonly FunctionName[];
  /** CloudWatch filter pattern over one JSON line. */
  readonly pattern: string;
  /** The field that is the value; a line counts as 1 without. */
  readonly value?: string;
  readonly from: number;
};

/** Every alarm that is read from the logs, whatever the dimensions of the metrics in them. */
export const logMetrics: readonly LogMetricSpec[] = [
  {
    name: 'LedgerTampered',
    says: 'An entry of the ledger was changed or removed before its time.',
    functions: ['ledger-guard'],
    pattern: '{ $.LedgerTampered > 0 }',
    value: '$.LedgerTampered',
    from: 1,
  },
  {
    name: 'OldestUnknown',
    says: 'An action has been unknown for 30 minutes or more.',
    functions: ['action-worker'],
    pattern: '{ $.OldestUnknownMs > 0 }',
    value: '$.OldestUnknownMs',
    from: 1_800_000,
  },
  {
    name: 'ActionNeedsHuman',
    says: 'A person must find out whether an effect happened.',
    functions: ['router-stream'],
    pattern: '{ $.ActionNeedsHuman > 0 }',
    value: '$.ActionNeedsHuman',
    from: 1,
  },
  {
    name: 'RefreshFailed',
    says: 'A credential cannot be refreshed: its system is not reachable until its owner connects it again.',
    functions: ['token-refresh'],
    pattern:
      '{ ($.reason = "refresh_failed") || ($.reason = "refresh_outcome_unknown") || ($.reason = "token_for_other_origin") }',
    from: 1,
  },
  {
    name: 'CaseEscalated',
    says: 'A case is overdue.',
    functions: ['tick'],
    pattern: '{ $.CaseEscalated > 0 }',
    value: '$.CaseEscalated',
    from: 1,
  },
];

/** One metric, read from the logs of the functions that say it. */
export class LogMetric extends Construct {
  readonly metric: cloudwatch.Metric;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly spec: LogMetricSpec;
      readonly stage: string;
      readonly functions: Readonly<Record<FunctionName, PlumblineFunction>>;
    },
  ) {
    super(scope, id);
    const { spec, stage, functions } = props;
    const [first, ...others] = spec.functions.map(
      (name) =>
        new logs.MetricFilter(this, name, {
          logGroup: functions[name].logGroup,
          filterPattern: logs.FilterPattern.literal(spec.pattern),
          metricNamespace: `Plumbline/${stage}`,
          metricName: spec.name,
          metricValue: spec.value ?? '1',
        }),
    );
    if (!first) throw new Error(`The log metric ${spec.name} names no function, and ${others.length} filters.`);
    const statistic = spec.from > 1 ? 'Maximum' : 'Sum';
    this.metric = first.metric({ period: Duration.minutes(5), statistic });
  }
}
