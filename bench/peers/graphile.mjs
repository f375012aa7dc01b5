// Graphile Worker with its own advice for many short jobs: a local queue, completions collected. See driver.py.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.NODE_HOME + "/");
const { run, runOnce, runMigrations, makeWorkerUtils, Logger } = await import(
  pathToFileURL(require.resolve("graphile-worker")).href
);
const pg = require("pg");

const monotonic = () => Number(process.hrtime.bigint()) / 1e9;
const seen = { count: 0, first: 0, delays: [] };
const taskList = {
  noop(payload) {
    if (!seen.count) seen.first = monotonic();
    seen.count += 1;
    if (payload.sent) seen.delays.push((monotonic() - payload.sent) * 1000);
  },
};
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (answer) => process.stdout.write(JSON.stringify(answer) + "\n");
const number = Number(process.argv[3] ?? 0);
const options = {
  connectionString: process.env.DATABASE_URL,
  logger: new Logger(() => () => {}),
  noHandleSignals: true,
};
const fast = {
  worker: {
    concurrentJobs: Number(process.env.CONCURRENCY ?? 24),
    localQueue: { size: Number(process.env.BATCH ?? 500) },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
    maxPoolSize: 10,
    pollInterval: 2000,
  },
};

async function prepare() {
  await runMigrations(options);
  const client = new pg.Client(process.env.DATABASE_URL);
  await client.connect();
  const specs = "array(select row('noop', '{}', null, null, null, null, null, null)::graphile_worker.job_spec";
  await client.query(`select count(*) from graphile_worker.add_jobs(${specs} from generate_series(1, $1::int)))`, [number]);
  await client.end();
}

async function drain() {
  tell({ ready: true });
  await lines.next();
  await run({ ...options, preset: fast, taskList });
  let told = 0;
  setInterval(() => {
    if (seen.count !== told) tell({ n: (told = seen.count), first: seen.first });
  }, 5);
  await lines.next();
  const peak_mb = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(JSON.stringify({ end: true, peak_mb, delays: seen.delays }) + "\n", () => process.exit(0));
}

async function cold() {
  tell({ ready: true });
  await lines.next();
  const began = monotonic();
  const worker = { ...fast.worker, concurrentJobs: 50, localQueue: { size: 50 } };
  await runOnce({ ...options, preset: { worker }, taskList });
  const answer = JSON.stringify({ ms: (monotonic() - began) * 1000, n: seen.count }) + "\n";
  process.stdout.write(answer, () => process.exit(seen.count === number ? 0 : 1));
}

async function feed() {
  const utils = await makeWorkerUtils(options);
  for (let sent = 0; sent < number; sent += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await utils.addJob("noop", { sent: monotonic() });
  }
  await utils.release();
  tell({ end: true });
}

await { prepare, drain, cold, feed }[process.argv[2]]();
if (process.argv[2] !== "drain" && process.argv[2] !== "cold") process.exit(0);
