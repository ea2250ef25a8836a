// What the tests share: a browser, people who act through the API, and a web page of another origin.

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(join(process.env.MODULES, 'package.json'))('playwright-core');

/** Where the service is, and the web page that may call it. */
export const { API, PAGE } = process.env;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Runs `look` with a browser that is new to everything, and keeps what it is told to keep, as people's do. */
export async function withBrowser(options, look = options) {
  const profile = await mkdtemp(join(tmpdir(), 'evently-browser-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: FLAGS,
    ...(typeof options === 'object' && options),
  });
  try {
    await look(browser);
  } finally {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** Serves a web page at `PAGE`, which is another origin than the service's, while `look` runs. */
export async function withPage(html, look) {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html));
  await new Promise((listening) => server.listen(new URL(PAGE).port, '127.0.0.1', listening));
  try {
    await look();
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

/** What people register with. */
export const PASSWORD = 'correct horse battery';

/** Asks the API. */
export async function call(method, path, token, body, headers = {}) {
  const response = await fetch(API + path, {
    method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }), ...headers },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/** Registers and signs in somebody new; answers with their token. */
export async function somebody() {
  const account = { email: `${randomUUID()}@example.com`, password: PASSWORD };
  await call('POST', '/register', null, account);
  return (await call('POST', '/login', null, account)).access_token;
}

/** The admin's token. */
export async function admin() {
  return (await call('POST', '/login', null, { email: 'admin@example.com', password: 'evently-admin' })).access_token;
}

/** An event of a hundred seats that is on sale, with some fields changed; answers with its id. */
export async function event(changes = {}) {
  const starts_at = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const concert = { name: 'Concert', starts_at, capacity: 100, base_price: 2500, currency: 'EUR', ...changes };
  return (await call('POST', '/admin/events', await admin(), concert)).id;
}

/** Holds seats, of an area if there are several. */
export async function book(token, id, quantity, area) {
  return call('POST', `/events/${id}/book`, token, { area, quantity }, { 'idempotency-key': randomUUID() });
}

/** Holds and books seats. */
export async function sell(token, id, quantity) {
  const { reservation } = await book(token, id, quantity);
  return call('POST', `/reservations/${reservation.id}/confirm`, token);
}
