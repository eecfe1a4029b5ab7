// Signs somebody up. The types of requests, answers and problems come from the API's own description:
//
//   curl -o openapi.json http://localhost:8000/api/v1/openapi.json
//   npm ci && npm run generate && npm run build
//   node build/sign-up.js http://localhost:8000 http://localhost:8025 ada@example.com

import createClient from 'openapi-fetch';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { components, paths } from './api.js';

type Problem = components['schemas']['Problem'];

// Waits for the mail in the development inbox; a person would read it and type the code.
async function readCode(inbox: string, email: string): Promise<string> {
  const search = `${inbox}/api/v1/search?query=${encodeURIComponent(`to:"${email}"`)}`;
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(200)) {
    const { messages } = (await (await fetch(search)).json()) as { messages: { ID: string }[] };
    if (!messages[0]) continue;
    const mail = (await (await fetch(`${inbox}/api/v1/message/${messages[0].ID}`)).json()) as { Text: string };
    const code = /^\s*(\d{4,8})\s*$/m.exec(mail.Text)?.[1];
    if (code) return code;
  }
  throw new Error(`no mail to ${email} has arrived`);
}

// What a problem document says, its fields included.
function explain(problem: Problem): string {
  const fields = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`);
  return [`${problem.code}: ${problem.detail}`, ...fields].join('; ');
}

// Basic authentication in UTF-8, as the API asks for it.
function basic(email: string, password: string): string {
  return `Basic ${Buffer.from(`${email}:${password}`, 'utf8').toString('base64')}`;
}

async function signUp(api: string, inbox: string, email: string, password: string) {
  const client = createClient<paths>({ baseUrl: api });
  const registered = await client.POST('/api/v1/users/register', { body: { email, password } });
  if (registered.error) throw new Error(explain(registered.error));
  const activated = await client.POST('/api/v1/users/activate', {
    body: { code: await readCode(inbox, email) },
    headers: { Authorization: basic(email, password) },
  });
  if (activated.error) throw new Error(explain(activated.error));
  return activated.data;
}

const [api, inbox, email] = process.argv.slice(2);
if (!api || !inbox || !email) throw new Error('usage: node build/sign-up.js API INBOX EMAIL');
const account = await signUp(api, inbox, email, randomBytes(12).toString('base64url'));
console.log(`${account.email} is active: ${account.user_id}`);
