import { Duration } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Deliveries of a message before it goes to its dead-letter queue. */
const maxDeliveries = 5;

/** An event waits for its system for about a day: at last a quarter of an hour between two receives. Faults of ours end sooner. */
const maxAttemptsOfEvent = 100;

/** An event waits for its subscriber as long as the queue keeps it: the most that SQS counts. */
const maxAttemptsOfDelivery = 1000;

/** Lambda's advice: a message stays hidden for six times the function's timeout, so that throttling does not spend deliveries. */
const visibilityFactor = 6;

/** The queues of the service: each encrypted with the stage's key, over TLS only, and with a place for what fails for good. */
export class Queues extends Construct {
  readonly inbox: sqs.Queue;
  readonly inboxDead: sqs.Queue;
  readonly actions: sqs.Queue;
  readonly actionsDead: sqs.Queue;
  /** Events on their way to agents. */
  readonly deliveries: sqs.Queue;
  readonly deliveriesDead: sqs.Queue;
  /** Ticks that did not run; nothing is lost with one, the next tick does its work. */
  readonly tickDead: sqs.Queue;

  constructor(scope: Construct, id: string, props: { readonly key: kms.IKey; readonly workerTimeoutS: number }) {
    super(scope, id);
    const secured = { encryption: sqs.QueueEncryption.KMS, encryptionMasterKey: props.key, enforceSSL: true };
    const dead = (name: string) => new sqs.Queue(this, name, { ...secured, retentionPeriod: Duration.days(14) });
    const work = (name: string, queue: sqs.Queue, maxReceiveCount = maxDeliveries) =>
      new sqs.Queue(this, name, {
        ...secured,
        visibilityTimeout: Duration.seconds(visibilityFactor * props.workerTimeoutS),
        retentionPeriod: Duration.days(14),
        deadLetterQueue: { queue, maxReceiveCount },
      });
    this.inboxDead = dead('InboxDead');
    this.inbox = work('Inbox', this.inboxDead, maxAttemptsOfEvent);
    this.actionsDead = dead('ActionsDead');
    this.actions = work('Actions', this.actionsDead);
    this.deliveriesDead = dead('DeliveriesDead');
    this.deliveries = work('Deliveries', this.deliveriesDead, maxAttemptsOfDelivery);
    this.tickDead = dead('TickDead');
  }
}
