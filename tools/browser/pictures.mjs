// Takes the pictures of docs/pages.md, of the demo events as `make run` has them. PICTURES is the folder that they go to.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { buy, hold, register, sign_in_as_admin } from './people.mjs';
import { API, call, withBrowser } from './world.mjs';

await mkdir(process.env.PICTURES, { recursive: true });
const find = async (name) => (await call('GET', `/events?q=${encodeURIComponent(name)}`)).items[0].id;

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
});
