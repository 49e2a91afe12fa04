import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { LogMetric, logMetrics } from '../constructs/log-metric.ts';
import { functions } from '../functions.ts';
import type { Settings } from '../settings.ts';
import type { ServiceStack } from './service-stack.ts';

type OpsProps = StackProps & { readonly settings: Settings; readonly service: ServiceStack };

type Alarm = {
  readonly id: string;
  readonly says: string;
  readonly metric: cloudwatch.IMetric;
  /** It rings when the metric is at or above it. */
  readonly from: number;
  /** Periods in a row; 1 by default. */
  readonly periods?: number;
};

/** What tells people: one topic, the alarms, one dashboard. Deleting it changes nothing of what runs. */
export class OpsStack extends Stack {
  constructor(scope: Construct, id: string, props: OpsProps) {
    super(scope, id, props);
    const topic = alarmTopic(this, props.settings);
    const all = [...queueAlarms(props.service), ...functionAlarms(props.service), ...logAlarms(this, props)];
    const made = all.map((alarm) => makeAlarm(this, alarm, props.settings, topic));
    dashboard(this, props, made);
  }
}

function alarmTopic(stack: Stack, { stage, alarmEmail }: Settings): sns.Topic {
  const key = new kms.Key(stack, 'TopicKey', { description: `Plumbline ${stage}: alarms`, enableKeyRotation: true });
  key.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'AlarmsPublish',
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
  );
  const topic = new sns.Topic(stack, 'Alarms', { masterKey: key, enforceSSL: true });
  if (alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(alarmEmail));
  return topic;
}

const minute = Duration.minutes(1);
const fiveMinutes = Duration.minutes(5);

function queueAlarms({ queues, functions: fns }: ServiceStack): readonly Alarm[] {
  const dead = [
    ['InboxDead', queues.inboxDead, 'Events failed on every delivery'],
    ['ActionsDead', queues.actionsDead, 'Action hints failed on every delivery'],
    ['DeliveriesDead', queues.deliveriesDead, 'Events could not be told to agents'],
    ['TickDead', queues.tickDead, 'A tick could not run'],
  ] as const;
  const waiting = [
    ['Inbox', queues.inbox, 'Events wait'],
    ['Actions', queues.actions, 'Due actions wait'],
    ['Deliveries', queues.deliveries, 'Events for agents wait'],
  ] as const;
  return [
    ...dead.map(([name, queue, says]) => ({
      id: `${name}Depth`,
      says: `${says}.`,
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: minute, statistic: 'Maximum' }),
      from: 1,
    })),
    ...waiting.map(([name, queue, says]) => ({
      id: `${name}Age`,
      says: `${says} for 10 minutes or more.`,
      metric: queue.metricApproximateAgeOfOldestMessage({ period: fiveMinutes, statistic: 'Maximum' }),
      from: 600,
    })),
    // Its own consumer empties a dead-letter queue: without this alarm only the case would tell of it.
    {
      id: 'DeadLetters',
      says: 'Messages failed on every delivery and became cases.',
      metric: fns['dead-letter'].fn.metricInvocations({ period: fiveMinutes, statistic: 'Sum' }),
      from: 1,
    },
  ];
}

const streamReaders = ['ledger-stream', 'router-stream', 'ledger-guard'] as const;

function functionAlarms({ functions: fns }: ServiceStack): readonly Alarm[] {
  return [
    ...functions.map(({ name }) => ({
      id: `${pascal(name)}Errors`,
      says: `${name} fails.`,
      metric: fns[name].fn.metricErrors({ period: fiveMinutes, statistic: 'Sum' }),
      from: 3,
    })),
    ...functions.map(({ name }) => ({
      id: `${pascal(name)}Throttles`,
      says: `${name} is throttled.`,
      metric: fns[name].fn.metricThrottles({ period: fiveMinutes, statistic: 'Sum' }),
      from: 1,
    })),
    ...streamReaders.map((name) => ({
      id: `${pascal(name)}Age`,
      says: `${name} is more than 10 minutes behind its stream.`,
      metric: fns[name].fn.metric('IteratorAge', { period: fiveMinutes, statistic: 'Maximum' }),
      from: 600_000,
    })),
    {
      id: 'TickSilent',
      says: 'The tick has not run for 5 minutes: nothing that is due is found.',
      metric: new cloudwatch.MathExpression({
        expression: 'IF(FILL(runs, 0) < 1, 1, 0)',
        usingMetrics: { runs: fns.tick.fn.metricInvocations({ period: fiveMinutes, statistic: 'Sum' }) },
        period: fiveMinutes,
      }),
      from: 1,
    },
  ];
}

function logAlarms(stack: Stack, { settings, service }: OpsProps): readonly Alarm[] {
  return logMetrics.map((spec) => ({
    id: spec.name,
    says: spec.says,
    metric: new LogMetric(stack, `${spec.name}Logs`, { spec, stage: settings.stage, functions: service.functions })
      .metric,
    from: spec.from,
  }));
}

function makeAlarm(stack: Stack, alarm: Alarm, { stage }: Settings, topic: sns.Topic): cloudwatch.Alarm {
  const made = new cloudwatch.Alarm(stack, alarm.id, {
    alarmName: `plumbline-${stage}-${alarm.id}`,
    alarmDescription: `Plumbline ${stage}: ${alarm.says} See docs/operate.md.`,
    metric: alarm.metric,
    threshold: alarm.from,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: alarm.periods ?? 1,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  });
  made.addAlarmAction(new SnsAction(topic));
  made.addOkAction(new SnsAction(topic));
  return made;
}

function dashboard(stack: Stack, { settings, service }: OpsProps, alarms: readonly cloudwatch.Alarm[]): void {
  const { functions: fns, queues } = service;
  const graph = (title: string, left: cloudwatch.IMetric[]) => new cloudwatch.GraphWidget({ title, left, width: 12 });
  const each = (metric: 'metricInvocations' | 'metricErrors' | 'metricDuration') =>
    functions.map(({ name }) => fns[name].fn[metric]({ period: fiveMinutes, label: name }));
  new cloudwatch.Dashboard(stack, 'Dashboard', {
    dashboardName: `plumbline-${settings.stage}`,
    widgets: [
      [new cloudwatch.AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 6 })],
      [graph('Calls', each('metricInvocations')), graph('Errors', each('metricErrors'))],
      [
        graph('Duration', each('metricDuration')),
        graph('Oldest message', [
          queues.inbox.metricApproximateAgeOfOldestMessage({ label: 'inbox' }),
          queues.actions.metricApproximateAgeOfOldestMessage({ label: 'actions' }),
          queues.deliveries.metricApproximateAgeOfOldestMessage({ label: 'deliveries' }),
        ]),
      ],
    ],
  });
}

function pascal(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_match, _dash, letter: string) => letter.toUpperCase());
}
