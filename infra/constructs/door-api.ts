import { RemovalPolicy } from 'aws-cdk-lib';
import * as apigw from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import type { PlumblineFunction } from './plumbline-function.ts';

/** A route: `GET /v1/tools`, and who checks the caller before the function does. */
export type DoorRoute = {
  readonly method: apigw.HttpMethod;
  readonly path: string;
  readonly authorizer: apigw.IHttpRouteAuthorizer;
};

/** The HTTP API of one door: its routes and no other, throttled, every request on an access log. */
export class DoorApi extends Construct {
  readonly api: apigw.HttpApi;
  readonly accessLogs: logs.LogGroup;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly name: string;
      readonly settings: Settings;
      readonly to: PlumblineFunction;
      readonly routes: readonly DoorRoute[];
    },
  ) {
    super(scope, id);
    const { name, settings } = props;
    this.api = new apigw.HttpApi(this, 'Api', {
      apiName: `plumbline-${settings.stage}-${name}`,
      createDefaultStage: false,
    });
    const integration = new HttpLambdaIntegration('Lambda', props.to.fn);
    for (const { method, path, authorizer } of props.routes) {
      this.api.addRoutes({ path, methods: [method], integration, authorizer });
    }
    this.accessLogs = new logs.LogGroup(this, 'AccessLogs', {
      logGroupName: `/plumbline/${settings.stage}/${name}-access`,
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const stage = new apigw.HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: settings.throttle.perSecond, burstLimit: settings.throttle.burst },
    });
    (stage.node.defaultChild as apigw.CfnStage).accessLogSettings = {
      destinationArn: this.accessLogs.logGroupArn,
      format: accessLogFormat,
    };
  }
}

/** One JSON line a request; no header, query or body stands in it. */
const accessLogFormat = JSON.stringify({
  at: '$context.requestTime',
  requestId: '$context.requestId',
  method: '$context.httpMethod',
  route: '$context.routeKey',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  integrationMs: '$context.integrationLatency',
  bytes: '$context.responseLength',
  error: '$context.error.messageString',
  ip: '$context.identity.sourceIp',
});
