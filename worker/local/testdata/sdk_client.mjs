// Calls the endpoint with RunPod's JavaScript client; prints the answers as JSON.
// Run it in a folder that has the runpod-sdk package: node - base key < this
import runpodSdk from "runpod-sdk";

const [base, key] = process.argv.slice(2);
const endpoint = runpodSdk(key, { baseUrl: base }).endpoint("local");
const seen = {};

seen.runSync = (await endpoint.runSync({ input: { value: { a: 1 } } })).output;
const job = await endpoint.run({ input: { yield: 3, value: "end" } });
seen.stream = [];
for await (const chunk of endpoint.stream(job.id)) seen.stream.push(chunk.output);
seen.status = (await endpoint.status(job.id)).status;
seen.statusSync = (await endpoint.statusSync(job.id, 2000)).output;
const blocked = await endpoint.run({ input: { block: true } });
seen.cancel = (await endpoint.cancel(blocked.id)).status;
seen.health = (await endpoint.health()).jobs.failed;
seen.purge = (await endpoint.purgeQueue()).status;
console.log(JSON.stringify(seen));
