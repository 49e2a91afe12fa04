import { join } from 'node:path';
import { deployLocal } from '../../infra/local/deploy.ts';
import { writeTinyApp } from './tiny-app.ts';

// Deploys the tiny app below the given folder, says which processes it started, and stays up until it is killed.
const [directory = ''] = process.argv.slice(2);
const assembly = join(directory, 'app');
writeTinyApp(assembly, join(directory, 'seen'));
const ports = { agents: 0, webhooks: 0, operators: 0, issuer: 0, hubspot: 0 };
const local = await deployLocal({ stateDir: join(directory, 'state'), ports, assembly });
const pids = [...local.pool('one').pids(), local.standIns.dynamoServer.pid];
local.pollers.pause();
local.standIns.queues.send('tiny-service-Work', { body: 'kept' });
console.log(JSON.stringify({ pids, key: local.standIns.callers.keysOf('tester').accessKeyId }));
