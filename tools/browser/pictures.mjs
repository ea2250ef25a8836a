// Takes the pictures of docs/pages.md, of the demo events as `make run` has them. PICTURES is the folder that they go to.

import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { buy, hold, register, sign_in_as_admin } from './people.mjs';
import { API, admin, call, event, somebody, withBrowser } from './world.mjs';

await mkdir(process.env.PICTURES, { recursive: true });
const find = async (name) => (await call('GET', `/events?q=${encodeURIComponent(name)}`)).items[0].id;

/** A theatre whose rows grow to the back, where people have bought here and there. */
async function theatre() {
  const rows = [...'ABCDEFGHIJKL'].map((name, at) => ({ name, seats: 18 + at, accessible: ['1', String(18 + at)] }));
  const areas = [{ id: 'stalls', name: 'Stalls', base_price: 5_400, rows }];
  const id = await event({ name: 'The Cherry Orchard', venue: 'Old Theatre', capacity: undefined, base_price: undefined, areas });
  for (const seats of ['A-8 A-9 A-10 A-11', 'B-9 B-10', 'C-7 C-8 C-9 C-10 C-11 C-12', 'D-3 D-4', 'E-12 E-13 E-14', 'G-10 G-11', 'L-14 L-15']) {
    await call('POST', `/events/${id}/book`, await somebody(), { area: 'stalls', seats: seats.split(' ') }, { 'idempotency-key': randomUUID() });
  }
  await call('POST', `/admin/events/${id}/areas/stalls/seats/withdraw`, await admin(), { seats: ['L-1', 'L-2', 'L-28', 'L-29'] });
  return id;
}

/** As wide as a page is at most, so that little of it is empty. */
const DESK = { width: 1000, height: 640 };
const PHONE = { width: 360, height: 720 };

await withBrowser(async (browser) => {
  const page = await browser.newPage();
  const picture = async (name, { width, height }, colorScheme = 'light') => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(process.env.PICTURES, `${name}.png`) });
  };
  const [concert, cup] = [await find('chamber'), await find('cup')];
  await page.goto(API);
  await picture('shop', { ...DESK, height: 760 });
  await page.goto(`${API}/shop/events/${cup}`);
  await picture('event', PHONE, 'dark');
  await register(page, API);
  await hold(page, API, concert, 2);
  await picture('hold', PHONE);
  await buy(page, API, cup, 2);
  await picture('booking', PHONE);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await sign_in_as_admin(page, API);
  await page.goto(`${API}/console`);
  await picture('console', { ...DESK, height: 1000 });
  await page.goto(`${API}/console/events/${concert}`);
  await picture('console-event', { ...DESK, height: 1000 });
  await page.goto(`${API}/console/events/new`);
  await picture('console-new', { ...DESK, height: 900 }, 'dark');

  // Made at last: it would be in the other pictures, too.
  const hall = await theatre();
  await page.goto(`${API}/console/events/${hall}/areas/stalls`);
  await picture('console-hall', { ...DESK, height: 900 });
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.goto(`${API}/shop/events/${hall}/seats`);
  for (const seat of ['B-11', 'B-12']) await page.locator(`input[value="${seat}"]`).check();
  await page.evaluate(() => scrollTo(0, 0));
  await picture('seats', { ...DESK, height: 900 });
});
